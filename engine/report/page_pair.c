/* page_pair.c - law 3, what a compressed model saves; and the published figures beside their predictions.
 * SPDX-License-Identifier: MIT */
#include "engine/report/chart.h"
#include "engine/report/dots.h"
#include "engine/report/html.h"
#include "engine/report/page_parts.h"

#include <math.h>
#include <string.h>

/* A pair's figure, and the paper's of the same kind: of models of text, and of those that see. */
static const struct pair_figure {
    const char *key, *name, *published[PAGE_SWEEPS];
    bool inverse; /* a ratio of throughputs is drawn as what a token takes */
} pair_figures[] = {
    {"time", "time", {NULL, NULL}, false},
    {"throughput", "time a generated token", {"llm_throughput", "vlm_throughput"}, true},
    {"cpu_auc", "CPU AUC", {"llm_cpu_auc", NULL}, false},
    {"ram_auc", "RAM AUC", {"llm_ram_auc", NULL}, false},
    {"energy", "energy", {"llm_energy", "vlm_energy"}, false},
};
enum { PAIR_FIGURES = sizeof pair_figures / sizeof *pair_figures };

struct ratio {
    double measured, low, high, predicted;
};

static struct ratio ratio_of(const struct json_value *sweep, const struct pair_figure *p)
{
    char path[64];
    struct ratio q;
    snprintf(path, sizeof path, "ratios.%s", p->key);
    const struct json_value *v = json_find(sweep, path);
    q.measured = json_find_number(v, "ratio");
    q.low = json_find_element(v, "ci95", 0), q.high = json_find_element(v, "ci95", 1);
    q.predicted = json_find_number(v, "predicted");
    if (p->inverse) q = (struct ratio){1 / q.measured, 1 / q.high, 1 / q.low, 1 / q.predicted};
    return q;
}

double page_published_figure(const struct page_result *r, const char *figure, const char *device)
{
    const struct json_value *rows = json_find(r->paper, "rows");
    for (size_t i = 0; rows && figure && i < rows->n; i++) {
        const char *name = json_find_string(&rows->item[i], "figure"), *of = json_find_string(&rows->item[i], "device");
        if (name && of && !strcmp(name, figure) && !strcmp(of, device)) return json_find_number(&rows->item[i], "published");
    }
    return NAN;
}

/* As a change in per cent: -61.5 of a ratio of 2.6, inverted. */
static double published_change(const struct page_result *r, enum page_sweep kind, const struct pair_figure *p,
                               const char *device)
{
    double v = page_published_figure(r, p->published[kind], device);
    return p->inverse ? 100 * (1 / v - 1) : 100 * v;
}

static void draw_pair(FILE *f, const struct page_result *r, enum page_sweep kind, bool named)
{
    double low[PAIR_FIGURES], high[PAIR_FIGURES], measured[PAIR_FIGURES], predicted[PAIR_FIGURES], pi[PAIR_FIGURES],
        m2[PAIR_FIGURES];
    const char *names[PAIR_FIGURES];
    size_t n = 0;
    for (size_t i = 0; i < PAIR_FIGURES; i++) {
        struct ratio q = ratio_of(page_sweep(r, kind), &pair_figures[i]);
        pi[n] = published_change(r, kind, &pair_figures[i], "rpi5");
        m2[n] = published_change(r, kind, &pair_figures[i], "m2");
        if (isnan(q.measured) && isnan(q.predicted) && isnan(pi[n])) continue;
        names[n] = pair_figures[i].name;
        measured[n] = 100 * (q.measured - 1), predicted[n] = 100 * (q.predicted - 1);
        low[n] = 100 * (q.low - 1), high[n] = 100 * (q.high - 1);
        n++;
    }
    char title[PAGE_LABEL + 64];
    snprintf(title, sizeof title, "%s: B over A%s%s", kind == PAGE_TEXT ? "Prompts" : "Pictures", named ? ", " : "",
             named ? r->label : "");
    const struct dots_series series[] = {{"measured here", 0, true, measured, low, high},
                                         {"predicted here", 1, true, predicted, NULL, NULL},
                                         {"published, Raspberry Pi 5", 2, false, pi, NULL, NULL},
                                         {"published, M2", 3, false, m2, NULL, NULL}};
    const struct dots d = {
        .title = title,
        .caption = "Geometric means over the points of the sweep, measured ones with 95 % intervals. Published: the "
                   "paper's own pair of models on its own machines.",
        .x_label = "change from A to B, %",
        .name = names,
        .n = n,
        .series = series,
        .n_series = r->paper ? 4 : 2};
    dots_write(&d, f);
}

static void put_ratios(FILE *f, const struct page_result *r, size_t n, enum page_sweep kind)
{
    page_group(f, n, page_heading(r, n, kind, -1).s);
    for (size_t k = 0; k < PAIR_FIGURES; k++) {
        page_row(f, pair_figures[k].inverse ? "throughput" : pair_figures[k].name);
        for (size_t i = 0; i < n; i++) {
            struct ratio q = ratio_of(page_sweep(&r[i], kind), &pair_figures[k]);
            if (isnan(q.measured) && isnan(q.predicted))
                page_cell(f, "-");
            else if (pair_figures[k].inverse)
                page_cell(f, "%s (%s to %s); predicted %s", page_ratio(1 / q.measured).s, page_ratio(1 / q.high).s,
                          page_ratio(1 / q.low).s, page_ratio(1 / q.predicted).s);
            else
                page_cell(f, "%s; predicted %s", page_change_interval(q.measured, q.low, q.high).s,
                          page_change(q.predicted - 1).s);
        }
        page_row_end(f);
    }
}

static bool has_pair(const struct page_result *r, size_t n, enum page_sweep kind)
{
    for (size_t i = 0; i < n; i++)
        if (json_find(page_sweep(&r[i], kind), "ratios")) return true;
    return false;
}

bool page_law_pair(FILE *f, const struct page_result *r, size_t n)
{
    bool any = has_pair(r, n, PAGE_TEXT) || has_pair(r, n, PAGE_IMAGE);
    if (!any || !f) return any;
    html_section(f, "pair", "Law 3: compression is a lever on the whole system");
    fputs("<div class=\"grid\">\n", f);
    for (size_t i = 0; i < n; i++)
        for (enum page_sweep kind = PAGE_TEXT; kind < PAGE_SWEEPS; kind++)
            if (has_pair(&r[i], 1, kind)) draw_pair(f, &r[i], kind, n > 1);
    fputs("</div>\n", f);
    page_table_begin(f, r, n, "B over A", "measured (95 % interval); predicted");
    for (enum page_sweep kind = PAGE_TEXT; kind < PAGE_SWEEPS; kind++)
        if (has_pair(r, n, kind)) put_ratios(f, r, n, kind);
    page_table_end(f);
    html_section_end(f);
    return true;
}

/* ---- The published table ---- */

static struct page_text format_figure(double v, const char *unit)
{
    struct page_text t = {"-"};
    if (isnan(v) || !unit) return t;
    if (!strcmp(unit, "change")) return page_change(v);
    if (!strcmp(unit, "ratio")) return page_ratio(v);
    if (!strcmp(unit, "1"))
        snprintf(t.s, sizeof t.s, "%.1f %%", 100 * v);
    else
        snprintf(t.s, sizeof t.s, fabs(v) >= 1000 && fabs(v) < 1e7 ? "%.0f %.16s" : "%.3g %.16s", v, unit);
    return t;
}

/* "llm_wh_run_original" as words. */
static void put_figure_name(FILE *f, const char *figure)
{
    static const char *const words[][2] = {{"llm", "LLM"}, {"vlm", "VLM"}, {"cpu", "CPU"},    {"ram", "RAM"},
                                           {"auc", "AUC"}, {"wh", "Wh"},   {"tflop", "TFLOP"}};
    for (const char *p = figure; *p;) {
        size_t n = strcspn(p, "_");
        const char *word = NULL;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (strlen(words[i][0]) == n && !strncmp(p, words[i][0], n)) word = words[i][1];
        char part[64];
        snprintf(part, sizeof part, "%s%.*s", p == figure ? "" : " ", word ? 60 : (int)(n < 60 ? n : 60), word ? word : p);
        html_text(f, part);
        p += n + (p[n] == '_');
    }
}

static const char *device_words(const char *device)
{
    return !device ? "any" : !strcmp(device, "rpi5") ? "Raspberry Pi 5" : !strcmp(device, "m2") ? "MacBook M2" : device;
}

/* What this page's own pair has of such a figure, as it is published: "llm_energy". */
static struct page_text own_pair(const struct page_result *r, const char *figure)
{
    struct page_text none = {"-"};
    for (size_t i = 0; figure && i < PAIR_FIGURES; i++)
        for (enum page_sweep kind = PAGE_TEXT; kind < PAGE_SWEEPS; kind++) {
            const struct pair_figure *p = &pair_figures[i];
            if (!p->published[kind] || strcmp(p->published[kind], figure) != 0) continue;
            double q = ratio_of(page_sweep(r, kind), p).measured;
            return isnan(q) ? none : p->inverse ? page_ratio(1 / q) : page_change(q - 1);
        }
    return none;
}

/* Whether two results have the same predictions of the paper's own machines. */
static bool same_figures(const struct page_result *a, const struct page_result *b)
{
    const char *one = json_find_string(a->paper, "sha256"), *other = json_find_string(b->paper, "sha256");
    return one && other && !strcmp(one, other);
}

/* Whether a row is of the machine that the result is from; else it is of one of the paper's, or of all. */
static bool is_own(const struct json_value *v)
{
    const char *device = json_find_string(v, "device");
    return device && strcmp(device, "rpi5") != 0 && strcmp(device, "m2") != 0;
}

/* A row of result `of`, beside what was measured at each machine; a row of its own machine beside what was measured there. */
static void put_published_row(FILE *f, const struct page_result *r, size_t n, size_t of, const struct json_value *v)
{
    const char *figure = json_find_string(v, "figure"), *unit = json_find_string(v, "unit");
    const char *why = json_find_string(v, "missing"), *note = json_find_string(v, "note");
    double published = json_find_number(v, "published"), predicted = json_find_number(v, "predicted");
    double low = json_find_element(v, "interval95", 0), high = json_find_element(v, "interval95", 1);
    const struct json_value *inside = json_find(v, "inside");
    fputs("<tr><th>", f);
    put_figure_name(f, figure ? figure : "-");
    fputs("</th>", f);
    html_element(f, "td", "%s", is_own(v) && n > 1 ? r[of].label : device_words(json_find_string(v, "device")));
    html_element(f, "td class=n", "%s", format_figure(published, unit).s);
    html_element(f, "td class=n", "%s", format_figure(predicted, unit).s);
    if (isnan(low))
        html_element(f, "td class=n", "-");
    else
        html_element(f, "td class=n", "%s to %s", format_figure(low, unit).s, format_figure(high, unit).s);
    for (size_t i = 0; i < n; i++) html_element(f, "td class=n", "%s", is_own(v) && i != of ? "-" : own_pair(&r[i], figure).s);
    html_element(f, "td", "%s", inside && inside->type == JSON_BOOL ? inside->boolean ? "inside" : "outside" : "-");
    html_element(f, "td class=small", "%s", why ? why : note ? note : "");
    fputs("</tr>\n", f);
}

/* The table of a result's figures, with the rows of the other results' machines where the paper's are the same. */
static void put_published(FILE *f, const struct page_result *r, size_t n, size_t first)
{
    fputs("<div class=\"scroll\"><table>\n<thead><tr><th>figure</th><th>machine</th><th class=n>published</th><th "
          "class=n>predicted</th><th class=n>95 % interval</th>",
          f);
    for (size_t i = 0; i < n; i++)
        html_element(f, "th class=n", "%s%s", n > 1 ? "measured: " : "measured here", n > 1 ? r[i].label : "");
    fputs("<th>published lies</th><th>what would have to hold; what else to know</th></tr></thead>\n<tbody>\n", f);
    for (size_t i = first; i < n; i++) {
        const struct json_value *rows = json_find(r[i].paper, "rows");
        if (!rows || rows->type != JSON_ARRAY || (i > first && !same_figures(&r[first], &r[i]))) continue;
        for (size_t k = 0; k < rows->n; k++)
            if (i == first || is_own(&rows->item[k])) put_published_row(f, r, n, i, &rows->item[k]);
    }
    fputs("</tbody></table></div>\n", f);
    html_element(f, "p class=note", "Predictions' sha256 %s", json_find_string(r[first].paper, "sha256"));
}

bool page_published(FILE *f, const struct page_result *r, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) any = any || json_find(r[i].paper, "rows");
    if (!any || !f) return any;
    html_section(f, "paper", "The paper's figures: published and predicted");
    fputs(
        "<p>arXiv 2512.16531 ran Llama-3.1-8B against Gilda 3.2B and Qwen2-VL-2B against Axolotl 1.1B under llama.cpp on a "
        "MacBook "
        "M2 and a Raspberry Pi 5. Each figure is predicted here from the models' shapes and a device profile alone; nothing is "
        "fitted to what was published. Intervals cover what the paper does not state and what a profile does not know exactly. "
        "Rows of this machine say what the same models would do here; what this page's own models A and B did here stands "
        "beside: another pair, on another machine, under the same protocol.</p>\n",
        f);
    for (size_t i = 0; i < n; i++) {
        bool before = false; /* one table has them all, and a column for what each machine measured */
        for (size_t k = 0; k < i; k++) before = before || same_figures(&r[k], &r[i]);
        if (!before && json_find(r[i].paper, "rows")) put_published(f, r, n, i);
    }
    html_section_end(f);
    return true;
}
