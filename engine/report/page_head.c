/* page_head.c - what the page begins with: what was done on which machine, and in short, how far predictions were off.
 * SPDX-License-Identifier: MIT */
#include "base/median.h"
#include "engine/report/chart.h"
#include "engine/report/html.h"
#include "engine/report/page_parts.h"

#include <math.h>
#include <string.h>

#define BUSY_CORES 0.05 /* what other programs may take unremarked */

/* ---- Facts ---- */

static void cell_model(FILE *f, const struct json_value *model)
{
    const char *name = json_find_string(model, "model"), *file = json_find_string(model, "file");
    if (name && file)
        page_cell(f, "%s - %s, %s", name, file, chart_value(json_find_number(model, "file_bytes"), "*B").s);
    else
        page_cell(f, "%s", name ? name : "-");
}

static void cell_machine(FILE *f, const struct page_result *r)
{
    const char *machine = json_find_string(r->origin, "machine"), *system = json_find_string(r->origin, "system");
    page_cell(f, "%s; %s threads; %s of memory; %s", machine ? machine : r->label,
              page_count(json_find_number(r->origin, "threads")).s,
              chart_value(json_find_number(r->origin, "memory_bytes"), "*B").s, system ? system : "-");
}

static void cell_protocol(FILE *f, const struct json_value *sweep)
{
    const struct json_value *clamps = json_find(sweep, "clamps");
    char points[64];
    if (clamps && clamps->type == JSON_ARRAY && clamps->n)
        snprintf(points, sizeof points, "%zu sizes under %zu clamps", page_points(sweep) / clamps->n, clamps->n);
    else
        snprintf(points, sizeof points, "%zu prompts", page_points(sweep));
    page_cell(f, "%s, %s tokens generated after each; %s window%s of each, at least %s long, sampled at %s Hz; medians", points,
              page_count(json_find_number(sweep, "gen")).s, page_count(json_find_number(sweep, "repeats")).s,
              json_find_number(sweep, "repeats") == 1 ? "" : "s", chart_value(json_find_number(sweep, "window_s"), "*s").s,
              chart_value(json_find_number(sweep, "hz"), "").s);
}

static void cell_energy(FILE *f, const struct json_value *sweep)
{
    const char *kind = json_find_string(sweep, "energy_kind"), *source = json_find_string(sweep, "energy_source");
    if (!kind || !strcmp(kind, "none"))
        page_cell(f, "not known: no meter was read, and the profile has no energy terms");
    else if (!strcmp(kind, "measured"))
        page_cell(f, "measured by %s", source ? source : "a meter");
    else
        page_cell(f, "%s, from the profile's energy terms", kind);
}

static void cell_hash(FILE *f, const struct json_value *sweep)
{
    fputs("<td><code>", f);
    html_text(f, json_find_string(sweep, "sha256"));
    fputs("</code></td>", f);
}

/* Cores that other programs took while the windows ran; NAN: not known. The kernel counts the machine's time by ticks and a
 * process's exactly: a little below 0 is none. */
static double others_cores(const struct json_value *sweep)
{
    double cpu = 0, time = 0;
    for (int m = 0; m < PAGE_MODELS; m++) {
        const struct json_value *model = page_model(sweep, m), *points = json_find(model, "points");
        for (size_t i = 0; i < page_points(model); i++) {
            cpu += json_find_number(&points->item[i], "others_cpu_s");
            time += json_find_number(&points->item[i], "window_s") / json_find_number(&points->item[i], "passes");
        }
    }
    return isnan(cpu / time) ? NAN : fmax(0, cpu / time);
}

static void cell_others(FILE *f, const struct json_value *sweep)
{
    double cores = others_cores(sweep);
    if (!isfinite(cores))
        page_cell(f, "not known");
    else
        page_cell(f, "%.2f cores%s", cores, cores > BUSY_CORES ? ": times are longer for it, which no statistics mend" : "");
}

static void cell_missing(FILE *f, const struct json_value *sweep)
{
    double missing = json_find_number(sweep, "missing"), half = json_find_number(sweep, "without_idle_after");
    double shards = json_find_number(sweep, "shards");
    char joined[40] = "";
    if (shards > 1) snprintf(joined, sizeof joined, ", of %.0f shards", shards);
    if (missing > 0)
        page_cell(f, "%.0f windows of the sweep are not there%s", missing, joined);
    else if (half > 0)
        page_cell(f, "all windows%s; %.0f of them of a session that was cut short, above the idle before alone", joined, half);
    else
        page_cell(f, "all windows%s", joined);
}

static void put_sweep_facts(FILE *f, const struct page_result *r, size_t n, enum page_sweep kind)
{
    static const struct {
        const char *name;
        void (*cell)(FILE *f, const struct json_value *sweep);
    } rows[] = {{"protocol", cell_protocol},
                {"measured", cell_missing},
                {"taken by other programs", cell_others},
                {"energy", cell_energy},
                {"frozen predictions, sha256", cell_hash}};
    page_group(f, n, page_heading(r, n, kind, -1).s);
    for (int m = 0; m < PAGE_MODELS; m++) {
        char name[16];
        if (!page_has_model(r, n, kind, m)) continue;
        snprintf(name, sizeof name, "model %c", page_letter(m));
        page_row(f, name);
        for (size_t i = 0; i < n; i++) cell_model(f, page_model(page_sweep(&r[i], kind), m));
        page_row_end(f);
    }
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        page_row(f, rows[k].name);
        for (size_t i = 0; i < n; i++) {
            const struct json_value *sweep = page_sweep(&r[i], kind);
            if (sweep)
                rows[k].cell(f, sweep);
            else
                page_cell(f, "-");
        }
        page_row_end(f);
    }
}

static void put_facts(FILE *f, const struct page_result *r, size_t n)
{
    page_table_begin(f, r, n, "", "this run");
    page_row(f, "machine");
    for (size_t i = 0; i < n; i++) cell_machine(f, &r[i]);
    page_row_end(f);
    for (enum page_sweep kind = PAGE_TEXT; kind < PAGE_SWEEPS; kind++)
        if (page_has_sweep(r, n, kind)) put_sweep_facts(f, r, n, kind);
    page_table_end(f);
}

/* ---- The head ---- */

/* Where other programs took so much of the machine that the times are not the models' own, it is said before any of them. */
static void put_busy(FILE *f, const struct page_result *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (enum page_sweep kind = PAGE_TEXT; kind < PAGE_SWEEPS; kind++) {
            const struct json_value *sweep = page_sweep(&r[i], kind);
            double cores = sweep ? others_cores(sweep) : NAN;
            if (cores > BUSY_CORES)
                html_missing(f,
                             "%s%s%s: other programs took %.2f cores meanwhile. Times are longer for it, which no statistics "
                             "mend: measure again when nothing else runs",
                             n > 1 ? r[i].label : "", n > 1 ? ", " : "", kind == PAGE_IMAGE ? "pictures" : "prompts", cores);
        }
}

/* What a step of `paper` did, or why it could not. */
static void put_steps(FILE *f, const struct page_result *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct json_value *steps = r[i].steps;
        for (size_t k = 0; steps && steps->type == JSON_ARRAY && k < steps->n; k++) {
            const char *step = json_find_string(&steps->item[k], "step"), *why = json_find_string(&steps->item[k], "failed");
            const char *note = json_find_string(&steps->item[k], "note");
            if (why) html_missing(f, "%s%s%s: %s", n > 1 ? r[i].label : "", n > 1 ? ", " : "", step ? step : "a step", why);
            if (note)
                html_element(f, "p class=note", "%s%s%s: %s", n > 1 ? r[i].label : "", n > 1 ? ", " : "",
                             step ? step : "a step", note);
        }
    }
}

void page_head(FILE *f, const struct page_result *r, size_t n)
{
    fputs("<h1>Scaling laws of local inference</h1>\n<p class=\"lead\">Predicted from the models' shapes and a profile of the "
          "machine, "
          "frozen, then measured",
          f);
    if (n == 1) {
        fputs(" on ", f);
        html_text(f, r->label);
    } else {
        fprintf(f, " on %zu machines", n);
    }
    fputs(".</p>\n<p><span class=\"kind\">predicted</span> before anything ran, from FLOPs, bytes and calibrated rates. "
          "<span class=\"kind\">measured</span> by this program on the machine itself. <span class=\"kind\">modelled</span> "
          "joules and "
          "times of single ops, that no sensor resolves. <span class=\"kind\">published</span> by arXiv 2512.16531.</p>\n",
          f);
    put_steps(f, r, n);
    put_busy(f, r, n);
    if (page_has_sweep(r, n, PAGE_TEXT) || page_has_sweep(r, n, PAGE_IMAGE)) put_facts(f, r, n);
}

/* ---- In short ---- */

/* The mean error of one part of the points' times, and its bias; NAN: none is known. */
static void part_errors(const struct json_value *model, const char *measured, const char *predicted, double *mape, double *bias)
{
    static double x[PAGE_POINTS], said[PAGE_POINTS];
    size_t n = page_points(model), known = 0;
    double sum = 0, signed_sum = 0;
    page_column(model, measured, x);
    page_column(model, predicted, said);
    for (size_t i = 0; i < n; i++) {
        double error = said[i] / x[i] - 1;
        if (!isfinite(error)) continue;
        sum += fabs(error), signed_sum += error, known++;
    }
    *mape = known ? sum / (double)known : NAN;
    *bias = known ? signed_sum / (double)known : NAN;
}

static void put_part(FILE *f, const struct page_result *r, size_t n, enum page_sweep kind, int m, const char *name,
                     const char *measured, const char *predicted)
{
    page_row(f, name);
    for (size_t i = 0; i < n; i++) {
        double mape, bias;
        part_errors(page_model(page_sweep(&r[i], kind), m), measured, predicted, &mape, &bias);
        if (isnan(mape))
            page_cell(f, "-");
        else
            page_cell(f, "%s (bias %s)", page_percent(mape).s, page_change(bias).s);
    }
    page_row_end(f);
}

/* How wide intervals are, the median over the points, by their upper ends: "+-12 %" of what is predicted, or "a factor of 2.7
 * either way" (predict.h: the interval is one of factors). */
static struct page_text half_width(const struct json_value *model)
{
    static double width[PAGE_POINTS];
    struct page_text t = {"-"};
    const struct json_value *points = json_find(model, "points");
    size_t n = 0;
    for (size_t i = 0; i < page_points(model); i++) {
        const struct json_value *p = &points->item[i];
        width[n] = json_find_element(p, "interval95_s", 1) / json_find_number(p, "predicted_s") - 1;
        n += isfinite(width[n]);
    }
    double half = n ? median(width, n) : NAN;
    if (half < 0.3)
        snprintf(t.s, sizeof t.s, "\xC2\xB1%.0f %%", 100 * half);
    else if (isfinite(half))
        snprintf(t.s, sizeof t.s, "a factor of %.1f either way", 1 + half);
    return t;
}

static void put_errors(FILE *f, const struct page_result *r, size_t n, enum page_sweep kind, int m, const char *key,
                       const char *name)
{
    char path[64];
    page_row(f, name);
    for (size_t i = 0; i < n; i++) {
        const struct json_value *model = page_model(page_sweep(&r[i], kind), m);
        static const char *const figure[] = {"mape", "bias", "worst", "n", "covered", "with_interval"};
        double v[6];
        for (int k = 0; k < 6; k++) {
            snprintf(path, sizeof path, "%s.%s", key, figure[k]);
            v[k] = json_find_number(model, path);
        }
        if (isnan(v[0]))
            page_cell(f, "-");
        else if (v[5] > 0)
            page_cell(f, "%s (bias %s, worst %s); %s of %s inside their 95 %%, which is %s", page_percent(v[0]).s,
                      page_change(v[1]).s, page_change(v[2]).s, page_count(v[4]).s, page_count(v[5]).s, half_width(model).s);
        else
            page_cell(f, "%s (bias %s, worst %s of %s)", page_percent(v[0]).s, page_change(v[1]).s, page_change(v[2]).s,
                      page_count(v[3]).s);
    }
    page_row_end(f);
}

bool page_short(FILE *f, const struct page_result *r, size_t n)
{
    if (!page_has_sweep(r, n, PAGE_TEXT) && !page_has_sweep(r, n, PAGE_IMAGE)) return false;
    if (!f) return true;
    html_section(f, "short", "How far predictions were off");
    fputs("<p class=\"note\">Mean absolute error of predictions that were frozen and hashed before the sweep's first "
          "measurement, over all of its prompts or pictures; bias is the mean error with its sign.</p>\n",
          f);
    page_table_begin(f, r, n, "", "predicted against measured");
    for (enum page_sweep kind = PAGE_TEXT; kind < PAGE_SWEEPS; kind++)
        for (int m = 0; m < PAGE_MODELS; m++) {
            if (!page_has_model(r, n, kind, m)) continue;
            page_group(f, n, page_heading(r, n, kind, m).s);
            put_errors(f, r, n, kind, m, "time", "time");
            if (kind == PAGE_IMAGE) put_part(f, r, n, kind, m, "of it the tower", "vision_s", "predicted_vision_s");
            put_part(f, r, n, kind, m, kind == PAGE_IMAGE ? "the prompt" : "of it the prompt", "prefill_s",
                     "predicted_prefill_s");
            put_part(f, r, n, kind, m, "the answer", "decode_s", "predicted_decode_s");
            put_errors(f, r, n, kind, m, "cpu_auc", "CPU AUC");
            put_errors(f, r, n, kind, m, "ram_auc", "RAM AUC");
            put_errors(f, r, n, kind, m, "energy", "energy");
        }
    page_table_end(f);
    html_section_end(f);
    return true;
}
