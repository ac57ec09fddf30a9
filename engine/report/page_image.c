/* page_image.c - law 2: what a picture costs, by its longest edge, under several clamps.
 * SPDX-License-Identifier: MIT */
#include "engine/report/chart.h"
#include "engine/report/html.h"
#include "engine/report/page_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MODELS = 2, CLAMPS = 8, STAIRS = 4096 };

/* ---- Figures ---- */

static const struct figure {
    const char *title, *y_label, *y_unit, *measured, *predicted, *caption;
} figures[] = {
    {"Time of a picture", "time", "*s", "time_s", "predicted_s",
     "Points: measured, medians of the windows. Lines: predicted before, step by step of the picture's grid; bands: 95 %, "
     "where the profile has an interval."},
    {"CPU AUC above idle", "area", "core-*s", "cpu_auc", "predicted_cpu_auc",
     "Points: measured, this process's CPU time less an idle one's. Lines: predicted, all threads busy, and one "
     "while the picture is read and resized; bands: the time's."},
    {"RAM AUC above idle", "area", "*B s", "ram_auc", "predicted_ram_auc",
     "Points: measured, resident memory above idle times time. Lines: predicted from weights, cache, buffers "
     "and the picture; bands: the time's."},
    {"Energy of a picture", "energy", "*J", "energy_j", "predicted_energy_j",
     "Points: measured by the meter, gross, idle included. Lines: modelled from the profile's energy terms, without reading "
     "and resizing."},
};

/* Points of one clamp, and the stairs of its prediction. */
struct clamp_columns {
    size_t n, n_stairs;
    double x[PAGE_POINTS], y[PAGE_POINTS], low[PAGE_POINTS], high[PAGE_POINTS];
    double edge[2 * STAIRS], said[2 * STAIRS];
    double from[2 * STAIRS], to[2 * STAIRS]; /* the prediction's interval */
    double factor[2];                        /* of its ends, which is one for all of a machine's predictions; NAN: none */
};

static double longest_edge(const struct json_value *point)
{
    return fmax(json_find_number(point, "width"), json_find_number(point, "height"));
}

static bool is_measured(const struct json_value *sweep, const struct figure *what)
{
    return strcmp(what->measured, "energy_j") != 0 || page_metered(sweep);
}

static void take_points(struct clamp_columns *c, const struct json_value *sweep, const struct json_value *model,
                        const char *clamp, const struct figure *what)
{
    const struct json_value *points = json_find(model, "points");
    bool time = !strcmp(what->measured, "time_s"), measured = is_measured(sweep, what);
    bool joules = !strcmp(what->measured, "energy_j");
    c->n = 0;
    c->factor[0] = c->factor[1] = NAN;
    for (size_t i = 0; i < page_points(model); i++) {
        const struct json_value *p = &points->item[i];
        const char *of = json_find_string(p, "clamp");
        if (!of || strcmp(of, clamp) != 0) continue;
        c->x[c->n] = longest_edge(p);
        c->y[c->n] = measured ? json_find_number(p, what->measured) : NAN;
        double said = joules ? NAN : json_find_number(p, what->predicted); /* joules are more than a height times the time */
        for (size_t end = 0; end < 2; end++)
            if (isnan(c->factor[end])) c->factor[end] = page_area_end(p, said, end) / said;
        c->low[c->n] = time ? json_find_number(p, "fastest_s") : NAN;
        c->high[c->n++] = time ? json_find_number(p, "slowest_s") : NAN;
    }
}

/* Each step is level from its edge to where the next begins; the last one goes on to the largest picture. */
static void take_stairs(struct clamp_columns *c, const struct json_value *v, const struct figure *what)
{
    const struct json_value *stairs = json_find(v, "stairs");
    c->n_stairs = 0;
    for (size_t i = 0; stairs && stairs->type == JSON_ARRAY && i < stairs->n && i < STAIRS; i++) {
        double edge = json_find_number(&stairs->item[i], "edge"), said = json_find_number(&stairs->item[i], what->predicted);
        if (c->n_stairs) {
            c->edge[c->n_stairs] = edge;
            c->said[c->n_stairs] = c->said[c->n_stairs - 1];
            c->n_stairs++;
        }
        c->edge[c->n_stairs] = edge;
        c->said[c->n_stairs++] = said;
    }
    double last = 0;
    for (size_t i = 0; i < c->n; i++) last = fmax(last, c->x[i]);
    if (c->n_stairs && c->n_stairs < 2 * STAIRS && last > c->edge[c->n_stairs - 1]) {
        c->edge[c->n_stairs] = last;
        c->said[c->n_stairs] = c->said[c->n_stairs - 1];
        c->n_stairs++;
    }
    for (size_t i = 0; i < c->n_stairs; i++) c->from[i] = c->factor[0] * c->said[i], c->to[i] = c->factor[1] * c->said[i];
}

/* Whether any step or point has the figure. */
static bool has(const struct json_value *sweep, const struct json_value *model, const struct figure *what)
{
    const struct json_value *points = json_find(model, "points"), *clamps = json_find(model, "clamps");
    for (size_t i = 0; is_measured(sweep, what) && i < page_points(model); i++)
        if (!isnan(json_find_number(&points->item[i], what->measured))) return true;
    for (size_t i = 0; clamps && clamps->type == JSON_ARRAY && i < clamps->n; i++) {
        const struct json_value *stairs = json_find(&clamps->item[i], "stairs");
        for (size_t k = 0; stairs && stairs->type == JSON_ARRAY && k < stairs->n; k++)
            if (!isnan(json_find_number(&stairs->item[k], what->predicted))) return true;
    }
    return false;
}

static void draw(FILE *f, const struct figure *what, const struct json_value *sweep, const struct json_value *model)
{
    const struct json_value *clamps = json_find(model, "clamps");
    size_t n = clamps && clamps->type == JSON_ARRAY ? clamps->n : 0, n_series = 0, n_rules = 0;
    struct clamp_columns *columns = calloc(CLAMPS, sizeof *columns);
    struct chart_series series[3 * CLAMPS];
    struct chart_rule rules[CLAMPS];
    char names[CLAMPS][3][96];
    if (!columns) {
        html_missing(f, "%s: found no memory", what->title);
        return;
    }
    for (size_t i = 0; i < n && i < CLAMPS; i++) {
        const char *clamp = json_find_string(&clamps->item[i], "clamp");
        struct clamp_columns *c = &columns[i];
        if (!clamp) continue;
        take_points(c, sweep, model, clamp, what);
        take_stairs(c, &clamps->item[i], what);
        snprintf(names[i][0], sizeof names[i][0], "%.60s, measured", clamp);
        snprintf(names[i][1], sizeof names[i][1], "%.60s, predicted", clamp);
        series[n_series++] = (struct chart_series){names[i][0], CHART_POINTS, (int)i, c->n, c->x, c->y, c->low, c->high};
        series[n_series++] = (struct chart_series){names[i][1], CHART_LINE, (int)i, c->n_stairs, c->edge, c->said, NULL, NULL};
        snprintf(names[i][2], sizeof names[i][2], "%.60s, 95 %%", clamp);
        if (!isnan(c->factor[0]))
            series[n_series++] =
                (struct chart_series){names[i][2], CHART_BAND, (int)i, c->n_stairs, c->edge, NULL, c->from, c->to};
        double knee = json_find_number(&clamps->item[i], "knee_predicted_px");
        if (knee > 0) {
            const char *named = n_rules ? NULL : "knees, predicted from the clamps alone"; /* once for all */
            rules[n_rules++] = (struct chart_rule){knee, false, named, (int)i, true};
        }
    }
    const struct chart chart = {.title = what->title,
                                .caption = what->caption,
                                .x_label = "longest edge of the picture",
                                .x_unit = "px",
                                .y_label = what->y_label,
                                .y_unit = what->y_unit,
                                .y_zero = true,
                                .series = series,
                                .n_series = n_series,
                                .rules = rules,
                                .n_rules = n_rules};
    chart_write(&chart, f);
    free(columns);
}

/* ---- Knees and plateaus ---- */

static void put_knees(FILE *f, const struct page_result *r, size_t n, int m)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) any = any || json_find(page_model(r[i].image, m), "clamps");
    if (!any) return;
    fputs("<div class=\"scroll\"><table>\n<thead><tr>", f);
    if (n > 1) fputs("<th>machine</th>", f);
    fputs("<th>clamp</th><th class=n>knee</th><th class=n>found in times (95 %)</th><th class=n>patches</th>"
          "<th class=n>FLOPs</th><th class=n>time</th><th class=n>predicted</th><th class=n>error</th><th class=n>ratio</th>"
          "<th class=n>predicted</th></tr></thead>\n<tbody>\n",
          f);
    for (size_t i = 0; i < n; i++) {
        const struct json_value *clamps = json_find(page_model(r[i].image, m), "clamps");
        for (size_t k = 0; clamps && clamps->type == JSON_ARRAY && k < clamps->n; k++) {
            const struct json_value *c = &clamps->item[k];
            double said = json_find_number(c, "knee_predicted_px"), found = json_find_number(c, "knee_measured_px");
            fputs("<tr>", f);
            if (n > 1) html_element(f, "td", "%s", r[i].label);
            html_element(f, "td", "%s", json_find_string(c, "clamp") ? json_find_string(c, "clamp") : "-");
            html_element(f, "td class=n", "%s", isnan(said) ? "none" : chart_value(said, "px").s);
            if (isnan(found))
                html_element(f, "td class=n", "none told");
            else
                html_element(f, "td class=n", "%.0f px (%.0f to %.0f)", found, json_find_element(c, "knee_ci95_px", 0),
                             json_find_element(c, "knee_ci95_px", 1));
            html_element(f, "td class=n", "%s", chart_value(json_find_number(c, "plateau_patches"), "").s);
            html_element(f, "td class=n", "%s", chart_value(json_find_number(c, "plateau_flops"), "*FLOP").s);
            html_element(f, "td class=n", "%s", chart_value(json_find_number(c, "plateau_s"), "*s").s);
            html_element(f, "td class=n", "%s", chart_value(json_find_number(c, "plateau_predicted_s"), "*s").s);
            html_element(f, "td class=n", "%s", page_change(json_find_number(c, "plateau_error")).s);
            html_element(f, "td class=n", "%s", page_ratio(json_find_number(c, "plateau_ratio")).s);
            html_element(f, "td class=n", "%s", page_ratio(json_find_number(c, "plateau_predicted_ratio")).s);
            fputs("</tr>\n", f);
        }
    }
    fputs("</tbody></table></div>\n<p class=\"note\">Patches, FLOPs and times are those of the plateau, where a clamp has one; "
          "ratios are to the first clamp's.</p>\n",
          f);
}

/* ---- The curve ---- */

static void put_curve(FILE *f, const struct page_result *r, size_t n, int m)
{
    static const struct {
        const char *key, *name, *unit;
    } terms[] = {{"c", "c, whatever it has", "*s"}, {"a", "a, of a patch", "*s"}, {"b", "b, of a pair of patches", "*s"}};
    bool any = false;
    for (size_t i = 0; i < n; i++) any = any || !isnan(json_find_number(page_model(r[i].image, m), "curve.a"));
    if (!any) return;
    fputs(
        "<p class=\"note\">T(N) = c + a N + b N\xC2\xB2 of the N patches that a picture became: least squares of the measured "
        "times, with 95 % intervals; predicted: the same fit of the predicted times.</p>\n",
        f);
    page_table_begin(f, r, n, "", "measured (95 % interval); predicted");
    for (size_t k = 0; k < sizeof terms / sizeof *terms; k++) {
        page_row(f, terms[k].name);
        for (size_t i = 0; i < n; i++) {
            const struct json_value *model = page_model(r[i].image, m);
            char v[32], ci[32], said[32];
            snprintf(v, sizeof v, "curve.%s", terms[k].key);
            snprintf(ci, sizeof ci, "curve.ci95.%s", terms[k].key);
            snprintf(said, sizeof said, "curve.predicted.%s", terms[k].key);
            page_cell(f, "%s; predicted %s",
                      page_interval(json_find_number(model, v), json_find_element(model, ci, 0),
                                    json_find_element(model, ci, 1), terms[k].unit)
                          .s,
                      chart_value(json_find_number(model, said), terms[k].unit).s);
        }
        page_row_end(f);
    }
    page_table_end(f);
}

bool page_law_pixels(FILE *f, const struct page_result *r, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) any = any || json_find(r[i].image, "clamps");
    if (!any || !f) return any;
    html_section(f, "pixels", "Law 2: pictures cost what the clamp leaves of them");
    fputs("<p>One picture at many sizes, under several clamps of its size: cost grows with the picture until the clamp binds "
          "and is level from "
          "there on. The knee is predicted from the clamp's arithmetic alone, and found in the measured times by a "
          "change-point fit.</p>\n",
          f);
    for (int m = 0; m < MODELS; m++) {
        bool there = false;
        for (size_t i = 0; i < n; i++) there = there || page_points(page_model(r[i].image, m));
        if (!there) continue;
        for (size_t i = 0; i < n; i++) {
            const struct json_value *model = page_model(r[i].image, m);
            const char *name = json_find_string(model, "model");
            if (!model) continue;
            html_element(f, "h3", "Model %c: %s%s%s", m ? 'B' : 'A', name ? name : "-", n > 1 ? ", " : "",
                         n > 1 ? r[i].label : "");
            fputs("<div class=\"grid\">\n", f);
            for (size_t k = 0; k < sizeof figures / sizeof *figures; k++)
                if (has(r[i].image, model, &figures[k])) draw(f, &figures[k], r[i].image, model);
            fputs("</div>\n", f);
        }
        put_knees(f, r, n, m);
        put_curve(f, r, n, m);
    }
    html_section_end(f);
    return true;
}
