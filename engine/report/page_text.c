/* page_text.c - law 1: what a prompt costs, by its tokens.
 * SPDX-License-Identifier: MIT */
#include "engine/report/chart.h"
#include "engine/report/html.h"
#include "engine/report/page_parts.h"

#include <math.h>
#include <string.h>

/* ---- Figures ---- */

/* Columns of one model of a sweep. */
struct columns {
    size_t n;
    double x[PAGE_POINTS], measured[PAGE_POINTS], low[PAGE_POINTS], high[PAGE_POINTS]; /* its windows' extremes */
    double predicted[PAGE_POINTS], from[PAGE_POINTS], to[PAGE_POINTS];                 /* its interval */
};

/* The figures of law 1. */
struct figure {
    const char *title, *y_label, *y_unit, *caption;
    const char *measured, *predicted;
    void (*fill)(struct columns *c, const struct json_value *sweep, const struct json_value *model, const struct figure *what);
};

static void clear(double *v, size_t n)
{
    for (size_t i = 0; i < n; i++) v[i] = NAN;
}

static void begin_columns(struct columns *c, const struct json_value *model)
{
    c->n = page_points(model);
    page_column(model, "prompt", c->x);
    double *const unknown[] = {c->low, c->high, c->from, c->to};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) clear(unknown[i], c->n);
}

static void fill_plain(struct columns *c, const struct json_value *sweep, const struct json_value *model,
                       const struct figure *what)
{
    (void)sweep;
    page_column(model, what->measured, c->measured);
    page_column(model, what->predicted, c->predicted);
}

static void fill_time(struct columns *c, const struct json_value *sweep, const struct json_value *model,
                      const struct figure *what)
{
    const struct json_value *points = json_find(model, "points");
    fill_plain(c, sweep, model, what);
    page_column(model, "fastest_s", c->low);
    page_column(model, "slowest_s", c->high);
    for (size_t i = 0; i < c->n; i++) {
        c->from[i] = json_find_element(&points->item[i], "interval95_s", 0);
        c->to[i] = json_find_element(&points->item[i], "interval95_s", 1);
    }
}

static void fill_area(struct columns *c, const struct json_value *sweep, const struct json_value *model,
                      const struct figure *what)
{
    const struct json_value *points = json_find(model, "points");
    fill_plain(c, sweep, model, what);
    for (size_t i = 0; i < c->n; i++) {
        c->from[i] = page_area_end(&points->item[i], c->predicted[i], 0);
        c->to[i] = page_area_end(&points->item[i], c->predicted[i], 1);
    }
}

static void fill_energy(struct columns *c, const struct json_value *sweep, const struct json_value *model,
                        const struct figure *what)
{
    fill_plain(c, sweep, model, what);
    if (!page_metered(sweep)) clear(c->measured, c->n);
}

/* Tokens a second while decoding. */
static void fill_decode(struct columns *c, const struct json_value *sweep, const struct json_value *model,
                        const struct figure *what)
{
    double steps = json_find_number(sweep, "gen") - 1;
    fill_plain(c, sweep, model, what);
    for (size_t i = 0; i < c->n; i++) {
        c->measured[i] = steps > 0 ? steps / c->measured[i] : NAN;
        c->predicted[i] = steps > 0 ? steps / c->predicted[i] : NAN;
    }
}

static void fill_prefill(struct columns *c, const struct json_value *sweep, const struct json_value *model,
                         const struct figure *what)
{
    fill_plain(c, sweep, model, what);
    for (size_t i = 0; i < c->n; i++) {
        c->measured[i] = c->x[i] / c->measured[i];
        c->predicted[i] = c->x[i] / c->predicted[i];
    }
}

/* Errors with the band in which they lie if the measurement lies in its interval. */
static void fill_error(struct columns *c, const struct json_value *sweep, const struct json_value *model,
                       const struct figure *what)
{
    fill_time(c, sweep, model, what);
    for (size_t i = 0; i < c->n; i++) {
        double said = c->predicted[i], from = c->from[i];
        c->measured[i] = 100 * (said / c->measured[i] - 1);
        c->from[i] = 100 * (said / c->to[i] - 1);
        c->to[i] = 100 * (said / from - 1);
        c->predicted[i] = c->low[i] = c->high[i] = NAN;
    }
}

static const struct figure figures[] = {
    {"Time of a prompt and its answer", "time", "*s",
     "Points: measured, medians of the windows, bars from the fastest to the slowest. Lines: predicted before; bands: 95 %, "
     "where the profile has an interval.",
     "time_s", "predicted_s", fill_time},
    {"Error of the predicted time", "predicted / measured \xE2\x88\x92 1, %", "",
     "Points: predicted against measured, above 0 where the prediction was too long. Bands, where the profile has an interval: "
     "95 % of points should lie there.",
     "time_s", "predicted_s", fill_error},
    {"CPU AUC above idle", "area", "core-*s",
     "Points: measured, this process's CPU time less an idle one's. Lines: predicted, all threads busy throughout; bands: 95 "
     "%, "
     "the time's.",
     "cpu_auc", "predicted_cpu_auc", fill_area},
    {"RAM AUC above idle", "area", "*B s",
     "Points: measured, resident memory above idle times time. Lines: predicted from weights, cache and buffers; "
     "bands: 95 %, the time's.",
     "ram_auc", "predicted_ram_auc", fill_area},
    {"Throughput of the answer", "tokens / s", "",
     "Points: measured, generated tokens a second while decoding. Lines: predicted.", "decode_s", "predicted_decode_s",
     fill_decode},
    {"Throughput of the prompt", "tokens / s", "", "Points: measured, prompt tokens a second of prefill. Lines: predicted.",
     "prefill_s", "predicted_prefill_s", fill_prefill},
    {"Energy of a prompt and its answer", "energy", "*J",
     "Points: measured by the meter, gross, idle included. Lines: modelled from the profile's energy terms.", "energy_j",
     "predicted_energy_j", fill_energy},
};

static void draw(FILE *f, const struct figure *what, const struct page_result *r, bool named)
{
    static const char *const kinds[] = {"measured", "predicted", "95 %"};
    static struct columns columns[PAGE_MODELS];
    struct chart_series series[3 * PAGE_MODELS];
    char names[PAGE_MODELS][3][16];
    char title[PAGE_LABEL + 80];
    size_t n = 0;
    bool errors = what->fill == fill_error;
    for (int m = 0; m < PAGE_MODELS; m++) {
        const struct json_value *model = page_model(r->text, m);
        struct columns *c = &columns[m];
        int colour = m % CHART_COLOURS;
        if (!model) continue;
        for (int k = 0; k < 3; k++) snprintf(names[m][k], sizeof names[m][k], "%c %s", page_letter(m), kinds[k]);
        begin_columns(c, model);
        what->fill(c, r->text, model, what);
        bool band = false;
        for (size_t i = 0; i < c->n; i++) band = band || !isnan(c->from[i]);
        series[n++] = (struct chart_series){names[m][0], CHART_POINTS, colour, c->n, c->x, c->measured, c->low, c->high};
        if (!errors)
            series[n++] =
                (struct chart_series){names[m][1], m ? CHART_DASHES : CHART_LINE, colour, c->n, c->x, c->predicted, NULL, NULL};
        if (band) series[n++] = (struct chart_series){names[m][2], CHART_BAND, colour, c->n, c->x, NULL, c->from, c->to};
    }
    const struct chart_rule zero = {0, true, NULL, 6, false};
    snprintf(title, sizeof title, "%s%s%s", what->title, named ? ": " : "", named ? r->label : "");
    struct chart chart = {.title = title,
                          .caption = what->caption,
                          .x_label = "prompt",
                          .x_unit = "tokens",
                          .y_label = what->y_label,
                          .y_unit = what->y_unit,
                          .y_zero = !errors,
                          .series = series,
                          .n_series = n,
                          .rules = &zero,
                          .n_rules = errors ? 1 : 0};
    chart_write(&chart, f);
}

/* Whether any point has the figure, measured or predicted. */
static bool has(const struct page_result *r, size_t n, const struct figure *what)
{
    static double v[PAGE_POINTS];
    for (size_t i = 0; i < n; i++)
        for (int m = 0; m < PAGE_MODELS; m++) {
            const struct json_value *model = page_model(r[i].text, m);
            const char *const both[] = {what->measured, what->predicted};
            for (int k = 0; k < 2; k++) {
                size_t count = page_points(model);
                page_column(model, both[k], v);
                while (count)
                    if (!isnan(v[--count])) return true;
            }
        }
    return false;
}

/* ---- The lines of law 1 ---- */

static void put_line_row(FILE *f, const struct page_result *r, size_t n, int m, const char *key, const char *slope,
                         const char *name, const char *unit)
{
    char path[64];
    page_row(f, name);
    for (size_t i = 0; i < n; i++) {
        const struct json_value *model = page_model(r[i].text, m);
        double v[3], said;
        snprintf(path, sizeof path, "%s.%s", key, slope);
        v[0] = json_find_number(model, path);
        snprintf(path, sizeof path, "%s.%s_ci95", key, slope);
        v[1] = json_find_element(model, path, 0), v[2] = json_find_element(model, path, 1);
        snprintf(path, sizeof path, "%s.predicted_%s", key, slope);
        said = json_find_number(model, path);
        page_cell(f, "%s; predicted %s", page_interval(v[0], v[1], v[2], unit).s, chart_value(said, unit).s);
    }
    page_row_end(f);
}

static void put_lines(FILE *f, const struct page_result *r, size_t n)
{
    fputs("<h3>Intercept and slope over prompt tokens</h3>\n"
          "<p class=\"note\">Least squares of the measured areas, with 95 % intervals; predicted: the same fit of the "
          "predicted areas.</p>\n",
          f);
    page_table_begin(f, r, n, "", "measured (95 % interval); predicted");
    for (int m = 0; m < PAGE_MODELS; m++) {
        char name[16];
        if (!page_has_model(r, n, PAGE_TEXT, m)) continue;
        snprintf(name, sizeof name, "Model %c", page_letter(m));
        page_group(f, n, name);
        put_line_row(f, r, n, m, "cpu_line", "intercept", "CPU AUC, intercept", "core-*s");
        put_line_row(f, r, n, m, "cpu_line", "slope", "CPU AUC, a token", "core-*s");
        put_line_row(f, r, n, m, "ram_line", "intercept", "RAM AUC, intercept", "*B s");
        put_line_row(f, r, n, m, "ram_line", "slope", "RAM AUC, a token", "*B s");
    }
    page_table_end(f);
}

bool page_law_tokens(FILE *f, const struct page_result *r, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) any = any || page_points(page_model(r[i].text, 0));
    if (!any || !f) return any;
    html_section(f, "tokens", "Law 1: cost grows with the prompt");
    fputs("<p>Each prompt is the one before with a passage more. The paper finds CPU and RAM areas linear in tokens; where "
          "attention's "
          "square shows, the fit below says so.</p>\n",
          f);
    if (n == 1) fputs("<div class=\"grid\">\n", f); /* all in one; of several machines a row a figure */
    for (size_t k = 0; k < sizeof figures / sizeof *figures; k++) {
        if (!has(r, n, &figures[k])) continue;
        if (n > 1) fputs("<div class=\"grid\">\n", f);
        for (size_t i = 0; i < n; i++)
            if (r[i].text) draw(f, &figures[k], &r[i], n > 1);
        if (n > 1) fputs("</div>\n", f);
    }
    if (n == 1) fputs("</div>\n", f);
    put_lines(f, r, n);
    html_section_end(f);
    return true;
}
