/* page_costs.c - where a run's time goes: layer by layer as a picture, op by op as a table; and how good fits and predictions
 * were, by length.
 * SPDX-License-Identifier: MIT */
#include "engine/report/chart.h"
#include "engine/report/html.h"
#include "engine/report/page_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 7, MAX_LAYERS = 1024, MAX_OPS = 128 };

/* ---- The picture ---- */

struct op_time {
    const char *op;
    const struct json_value *v;
    double time_s;
};

static int by_time(const void *a, const void *b)
{
    double x = ((const struct op_time *)a)->time_s, y = ((const struct op_time *)b)->time_s;
    return (x < y) - (x > y);
}

/* The ops of one phase that have a time, the longest first. */
static size_t ops_of(const struct json_value *model, const char *phase, struct op_time ops[MAX_OPS])
{
    const struct json_value *all = json_find(model, "costs.ops");
    size_t n = 0;
    for (size_t i = 0; all && all->type == JSON_ARRAY && i < all->n && n < MAX_OPS; i++) {
        const struct json_value *v = &all->item[i];
        const char *of = json_find_string(v, "phase"), *op = json_find_string(v, "op");
        double time = json_find_number(v, "time_s");
        if (of && op && !strcmp(of, phase) && time > 0) ops[n++] = (struct op_time){op, v, time};
    }
    qsort(ops, n, sizeof *ops, by_time);
    return n;
}

/* Adds an op's times to the bars of their layers; those outside the layers to bar MAX_LAYERS. Returns how many layers there
 * are. */
static size_t add_times(const struct json_value *v, size_t part, double *value)
{
    const struct json_value *layers = json_find(v, "layers");
    size_t last = 0;
    for (size_t i = 0; layers && layers->type == JSON_ARRAY && i < layers->n; i++) {
        const struct json_value *pair = &layers->item[i];
        if (pair->type != JSON_ARRAY || pair->n != 2 || pair->item[1].type != JSON_NUMBER || pair->item[0].type != JSON_NUMBER)
            continue;
        double layer = pair->item[0].number;
        if (!(layer >= -1) || layer >= MAX_LAYERS) continue;
        size_t bar = layer < 0 ? MAX_LAYERS : (size_t)layer;
        value[bar * PARTS + part] += pair->item[1].number;
        if (layer >= 0 && bar + 1 > last) last = bar + 1;
    }
    return last;
}

static const char *const phases[] = {"vision", "prefill", "decode"};
enum { PHASES = sizeof phases / sizeof *phases };

/* "prefill of 980 tokens" */
static struct page_text work_of(const struct json_value *model, const char *phase)
{
    struct page_text t;
    if (!strcmp(phase, "vision"))
        snprintf(t.s, sizeof t.s, "tower of %.100s patches", page_count(json_find_number(model, "costs.patches")).s);
    else if (!strcmp(phase, "prefill"))
        snprintf(t.s, sizeof t.s, "prefill of %.100s tokens", page_count(json_find_number(model, "costs.prompt")).s);
    else
        snprintf(t.s, sizeof t.s, "decode of %.100s steps", page_count(json_find_number(model, "costs.gen") - 1).s);
    return t;
}

static void draw_layers(FILE *f, const struct json_value *model, const char *who, const char *phase, const char *label)
{
    static double value[(MAX_LAYERS + 1) * PARTS];
    static char labels[MAX_LAYERS + 1][24];
    const char *bar_labels[MAX_LAYERS + 1], *names[PARTS];
    struct op_time ops[MAX_OPS];
    char title[2 * PAGE_LABEL + 120];
    size_t n = ops_of(model, phase, ops), layers = 0, parts = n < PARTS ? n : PARTS;
    if (!n) return;
    memset(value, 0, sizeof value);
    for (size_t i = 0; i < n; i++) {
        size_t part = i < PARTS - 1 ? i : PARTS - 1, last = add_times(ops[i].v, part, value);
        if (last > layers) layers = last;
        names[part] = i < PARTS - 1 || n == PARTS ? ops[i].op : "all others";
    }
    for (size_t i = 0; i < layers; i++) {
        snprintf(labels[i], sizeof labels[i], "%zu", i);
        bar_labels[i] = labels[i];
    }
    memmove(&value[layers * PARTS], &value[MAX_LAYERS * PARTS], PARTS * sizeof *value);
    bar_labels[layers] = "rest";
    for (size_t i = 0; i <= layers && parts < PARTS; i++) memmove(&value[i * parts], &value[i * PARTS], parts * sizeof *value);
    snprintf(title, sizeof title, "%s, %s%s%s", who, work_of(model, phase).s, label ? ": " : "", label ? label : "");
    const struct bars b = {
        .title = title,
        .caption =
            "Predicted seconds of every op, layer by layer; rest: embedding, output and what else is outside the layers.",
        .x_label = "layer",
        .y_label = "predicted time",
        .y_unit = "*s",
        .n = layers + 1,
        .n_parts = parts,
        .name = names,
        .label = bar_labels,
        .value = value};
    bars_write(&b, f);
}

/* ---- The table ---- */

static void put_ops(FILE *f, const struct json_value *model)
{
    enum { SHOWN = 12 };
    fputs("<div class=\"scroll\"><table>\n<thead><tr><th>phase</th><th>op</th><th class=n>predicted time</th><th "
          "class=n>share</th>"
          "<th class=n>FLOPs</th><th class=n>bytes</th></tr></thead>\n<tbody>\n",
          f);
    for (int p = 0; p < PHASES; p++) {
        struct op_time ops[MAX_OPS];
        size_t n = ops_of(model, phases[p], ops);
        double all = 0, rest = 0;
        for (size_t i = 0; i < n; i++) all += ops[i].time_s;
        for (size_t i = 0; i < n; i++) {
            if (i >= SHOWN) {
                rest += ops[i].time_s;
                continue;
            }
            fputs("<tr>", f);
            html_element(f, "td", "%s", phases[p]);
            html_element(f, "td", "%s", ops[i].op);
            html_element(f, "td class=n", "%s", chart_value(ops[i].time_s, "*s").s);
            html_element(f, "td class=n", "%s", page_percent(ops[i].time_s / all).s);
            html_element(f, "td class=n", "%s", chart_value(json_find_number(ops[i].v, "flops"), "*FLOP").s);
            html_element(f, "td class=n", "%s", chart_value(json_find_number(ops[i].v, "bytes"), "*B").s);
            fputs("</tr>\n", f);
        }
        if (rest > 0)
            fprintf(f,
                    "<tr><td>%s</td><td>%zu others</td><td class=n>%s</td><td class=n>%s</td><td class=n></td><td "
                    "class=n></td></tr>\n",
                    phases[p], n - SHOWN, chart_value(rest, "*s").s, page_percent(rest / all).s);
    }
    fputs("</tbody></table></div>\n", f);
}

/* One machine's models in one kind of sweep. */
static void put_costs(FILE *f, const struct page_result *r, size_t n, size_t i, enum page_sweep kind)
{
    const struct json_value *sweep = page_sweep(&r[i], kind);
    const char *label = n > 1 ? r[i].label : NULL;
    if (!json_find(sweep, "costs.ops")) return;
    fputs("<div class=\"grid\">\n", f);
    for (int m = 0; m < PAGE_MODELS; m++)
        for (int p = 0; p < PHASES; p++) draw_layers(f, page_model(sweep, m), page_heading(r, n, kind, m).s, phases[p], label);
    fputs("</div>\n", f);
    for (int m = 0; m < PAGE_MODELS; m++) {
        const struct json_value *model = page_model(sweep, m);
        if (!json_find(model, "costs.ops")) continue;
        fprintf(f, "<details><summary>%s, op by op%s", page_heading(r, n, kind, m).s, label ? ": " : "");
        if (label) html_text(f, label);
        fputs("</summary>\n", f);
        put_ops(f, model);
        fputs("</details>\n", f);
    }
}

bool page_costs(FILE *f, const struct page_result *r, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < PAGE_SWEEPS; k++) any = any || json_find(page_sweep(&r[i], k), "costs.ops");
    if (!any || !f) return any;
    html_section(f, "layers", "Where the time goes");
    fputs("<p>The longest run of each as it was predicted: exact FLOPs and bytes of every op, and the time that the profile's "
          "rates "
          "give them. Times of single ops are modelled; <code>hartree measure</code> lays measured ones beside them.</p>\n",
          f);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < PAGE_SWEEPS; k++) put_costs(f, r, n, i, k);
    html_section_end(f);
    return true;
}

/* ---- The fit, and errors by length ---- */

static const struct coefficient {
    const char *key, *what, *unit;
} coefficients[] = {
    {"a0", "a\xE2\x82\x80, a prompt", "*s"},
    {"a1", "a\xE2\x82\x81, a prompt token", "*s"},
    {"a2", "a\xE2\x82\x82, a pair of prompt tokens", "*s"},
    {"b0", "b\xE2\x82\x80, a generated token", "*s"},
    {"b1", "b\xE2\x82\x81, a generated token and position", "*s"},
};

static void put_fit_row(FILE *f, const struct page_result *r, size_t n, int m, const struct coefficient *c)
{
    char path[32];
    page_row(f, c->what);
    for (size_t i = 0; i < n; i++) {
        const struct json_value *fit = json_find(page_model(r[i].text, m), "fit");
        snprintf(path, sizeof path, "ci95.%s", c->key);
        double low = json_find_element(fit, path, 0), high = json_find_element(fit, path, 1);
        snprintf(path, sizeof path, "predicted.%s", c->key);
        double said = json_find_number(fit, path), v = json_find_number(fit, c->key);
        page_cell(f, "%s; predicted %s", page_interval(v, low, high, c->unit).s, chart_value(said, c->unit).s);
    }
    page_row_end(f);
}

static void put_strata_row(FILE *f, const struct page_result *r, size_t n, int m, const char *stratum)
{
    char path[64];
    bool any = false;
    snprintf(path, sizeof path, "strata.%s", stratum);
    for (size_t i = 0; i < n; i++) any = any || json_find(page_model(r[i].text, m), path);
    if (!any) return;
    page_row(f, stratum);
    for (size_t i = 0; i < n; i++) {
        const struct json_value *v = json_find(page_model(r[i].text, m), path);
        double inside = json_find_number(v, "covered"), of = json_find_number(v, "with_interval");
        if (!v)
            page_cell(f, "-");
        else if (of > 0)
            page_cell(f, "%s of %s (bias %s); %s of %s inside", page_percent(json_find_number(v, "mape")).s,
                      page_count(json_find_number(v, "n")).s, page_change(json_find_number(v, "bias")).s, page_count(inside).s,
                      page_count(of).s);
        else
            page_cell(f, "%s of %s (bias %s)", page_percent(json_find_number(v, "mape")).s,
                      page_count(json_find_number(v, "n")).s, page_change(json_find_number(v, "bias")).s);
    }
    page_row_end(f);
}

bool page_errors(FILE *f, const struct page_result *r, size_t n)
{
    static const char *const strata[] = {"interpolated", "extrapolated", "far"};
    bool any = false;
    for (size_t i = 0; i < n; i++) any = any || json_find(r[i].text, "fit");
    if (!any || !f) return any;
    html_section(f, "fit", "Time in closed form, and errors by length");
    fputs("<p>T(n, m) = a<sub>0</sub> + a<sub>1</sub> n + a<sub>2</sub> n<sup>2</sup> + b<sub>0</sub> m + b<sub>1</sub> (mn + "
          "m(m+1)/2) of n prompt tokens and "
          "m decode steps: weighted least squares of the measured times with 95 % intervals, beside the same fit of the "
          "predicted "
          "times.</p>\n",
          f);
    for (int m = 0; m < PAGE_MODELS; m++) {
        if (!page_has_model(r, n, PAGE_TEXT, m)) continue;
        fprintf(f, "<h3>Model %c</h3>\n", page_letter(m));
        page_table_begin(f, r, n, "", "fitted (95 % interval); predicted");
        for (size_t k = 0; k < sizeof coefficients / sizeof *coefficients; k++) put_fit_row(f, r, n, m, &coefficients[k]);
        page_group(f, n, "Mean absolute error of the predicted time, by how far a length is from those calibrated");
        for (size_t k = 0; k < sizeof strata / sizeof *strata; k++) put_strata_row(f, r, n, m, strata[k]);
        page_table_end(f);
    }
    html_section_end(f);
    return true;
}
