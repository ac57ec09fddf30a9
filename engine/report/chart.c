/* SPDX-License-Identifier: MIT */
#include "engine/report/chart.h"

#include "engine/report/chart_private.h"
#include "engine/report/html.h"

#include <math.h>
#include <string.h>

/* Beyond these, differences and steps of an axis would leave the range of a double. */
#define LARGEST  1e300
#define SMALLEST 1e-300

bool chart_drawable(double v)
{
    return v == 0 || (isfinite(v) && fabs(v) < LARGEST && fabs(v) > SMALLEST);
}

/* ---- Units ---- */

static const struct {
    double size;
    const char *prefix;
} prefixes[] = {{1e15, "P"}, {1e12, "T"}, {1e9, "G"},         {1e6, "M"}, {1e3, "k"},
                {1, ""},     {1e-3, "m"}, {1e-6, "\xC2\xB5"}, {1e-9, "n"}};
enum { ONE = 5, N_PREFIXES = sizeof prefixes / sizeof *prefixes };

/* Nobody says kiloseconds. */
static struct scale scale_for(double largest, const char *unit)
{
    struct scale s = {1, ""};
    const char *star = strchr(unit, '*');
    size_t i = ONE;
    if (!star) {
        snprintf(s.unit, sizeof s.unit, "%s", unit);
        return s;
    }
    if (chart_drawable(largest) && largest > 0)
        for (i = 0; i + 1 < N_PREFIXES && largest < prefixes[i].size; i++) continue;
    if (i < ONE && star[1] == 's') i = ONE;
    s.factor = prefixes[i].size;
    snprintf(s.unit, sizeof s.unit, "%.*s%s%s", (int)(star - unit), unit, prefixes[i].prefix, star + 1);
    return s;
}

struct chart_text chart_value(double v, const char *unit)
{
    struct chart_text t = {"-"};
    if (!chart_drawable(v)) return t;
    struct scale s = scale_for(fabs(v), unit);
    const char *form = fabs(v / s.factor) >= 1000 && fabs(v / s.factor) < 1e7 ? "%.0f%s%s" : "%.4g%s%s";
    size_t sign = v < 0 ? (size_t)snprintf(t.s, sizeof t.s, "\xE2\x88\x92") : 0; /* a true minus, as wide as a plus */
    snprintf(t.s + sign, sizeof t.s - sign, form, fabs(v / s.factor), *s.unit ? " " : "", s.unit);
    return t;
}

/* ---- Axes ---- */

/* The least of 1, 2, 5 times a power of ten that cuts a range into no more than `parts`. */
static double nice_step(double range, int parts)
{
    double raw = range / parts, size = pow(10, floor(log10(raw)));
    static const double steps[] = {1, 2, 5, 10};
    for (int i = 0; i < 3; i++)
        if (steps[i] * size >= raw * (1 - 1e-9)) return steps[i] * size;
    return steps[3] * size;
}

struct axis chart_axis(double low, double high, bool zero, const char *unit, int parts)
{
    struct axis a;
    a.scale = scale_for(fmax(fabs(low), fabs(high)), unit);
    low /= a.scale.factor, high /= a.scale.factor;
    if (zero && low > 0) low = 0;
    if (!(high - low > 1e-9 * fmax(fabs(low), fabs(high)))) { /* one value only: some room around it */
        double room = low == 0 ? 1 : fabs(low) / 2;
        high += room;
        if (low != 0) low -= room;
    }
    a.step = nice_step(high - low, parts);
    a.low = floor(low / a.step + 1e-9) * a.step;
    a.high = ceil(high / a.step - 1e-9) * a.step;
    return a;
}

static double place_x(const struct axis *a, double v)
{
    return LEFT + PLOT_W * (v / a->scale.factor - a->low) / (a->high - a->low);
}

double chart_y(const struct axis *a, double v)
{
    return TOP + PLOT_H * (1 - (v / a->scale.factor - a->low) / (a->high - a->low));
}

void chart_tick(FILE *f, double v, double step)
{
    char text[32];
    if (fabs(v) < 1e-9 * step) v = 0;
    snprintf(text, sizeof text, fabs(v) >= 1000 && fabs(v) < 1e7 ? "%.0f" : "%.6g", fabs(v));
    fprintf(f, "%s%s", v < 0 ? "\xE2\x88\x92" : "", text);
}

static void put_label(FILE *f, const char *label, const char *unit)
{
    html_text(f, label);
    if (!*unit) return;
    fputs(", ", f);
    html_text(f, unit);
}

void chart_begin(FILE *f, const char *title, const char *caption, int height)
{
    fputs("<figure>\n", f);
    html_element(f, "h3", "%s", title);
    fprintf(f, "\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, height);
    html_text(f, title);
    if (caption) {
        fputs(". ", f);
        html_text(f, caption);
    }
    fputs("\">\n", f);
}

void chart_end(FILE *f, const char *caption)
{
    if (caption) html_element(f, "figcaption", "%s", caption);
    fputs("\n</figure>\n", f);
}

void chart_nothing(const char *title, FILE *f)
{
    fputs("<figure>\n", f);
    html_element(f, "h3", "%s", title);
    html_missing(f, "nothing to draw: no value of this figure is known");
    chart_end(f, NULL);
}

void chart_levels(FILE *f, const struct axis *y, const char *label)
{
    int n = (int)lround((y->high - y->low) / y->step);
    for (int i = 0; i <= n; i++) {
        double v = y->low + i * y->step, at = chart_y(y, v * y->scale.factor);
        fprintf(f, "<path class=\"%s\" d=\"M%d %.1fH%d\"/><text class=\"tick\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">",
                fabs(v) < 1e-9 * y->step ? "axis" : "gridline", LEFT, at, WIDTH - RIGHT, LEFT - 6, at + 4);
        chart_tick(f, v, y->step);
        fputs("</text>\n", f);
    }
    fprintf(f, "<text x=\"4\" y=\"13\">");
    put_label(f, label, y->scale.unit);
    fputs("</text>\n", f);
}

void chart_below(FILE *f, const char *label, const char *unit)
{
    fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", LEFT + PLOT_W / 2, HEIGHT - 8);
    put_label(f, label, unit);
    fputs("</text>\n", f);
}

/* ---- Series ---- */

void chart_mark_at(FILE *f, int colour, double x, double y, double r)
{
    switch (colour % 4) {
    case 0: fprintf(f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"", x, y, r); break;
    case 1:
        fprintf(f, "<path d=\"M%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fz\"", x, y - 1.3 * r, 1.3 * r, 1.3 * r, -1.3 * r, 1.3 * r,
                -1.3 * r, -1.3 * r);
        break;
    case 2: fprintf(f, "<path d=\"M%.1f %.1fh%.1fv%.1fh%.1fz\"", x - r, y - r, 2 * r, 2 * r, -2 * r); break;
    default: fprintf(f, "<path d=\"M%.1f %.1fl%.1f %.1fh%.1fz\"", x, y - 1.2 * r, 1.2 * r, 2.2 * r, -2.4 * r); break;
    }
    fprintf(f, " fill=\"var(--c%d)\" stroke=\"var(--bg)\" stroke-width=\".8\"", colour % CHART_COLOURS);
}

static void put_tip(FILE *f, const struct chart *c, const struct chart_series *s, size_t i)
{
    fputs("><title>", f);
    html_text(f, s->name ? s->name : c->title);
    fputs(": ", f);
    html_text(f, chart_value(s->x[i], c->x_unit).s);
    fputs("; ", f);
    html_text(f, chart_value(s->y[i], c->y_unit).s);
    fputs("</title>", f);
}

static void put_points(FILE *f, const struct chart *c, const struct chart_series *s, const struct axis *x, const struct axis *y)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!chart_drawable(s->x[i]) || !chart_drawable(s->y[i])) continue;
        double at = place_x(x, s->x[i]);
        if (s->low && chart_drawable(s->low[i]) && chart_drawable(s->high[i]))
            fprintf(f, "<path d=\"M%.1f %.1fV%.1f\" stroke=\"var(--c%d)\" stroke-width=\"1.2\"/>", at, chart_y(y, s->low[i]),
                    chart_y(y, s->high[i]), s->colour % CHART_COLOURS);
        chart_mark_at(f, s->colour, at, chart_y(y, s->y[i]), 3.4);
        put_tip(f, c, s, i);
        fputs(s->colour % 4 ? "</path>\n" : "</circle>\n", f);
    }
}

/* Broken where a value is not known. */
static void put_line(FILE *f, const struct chart_series *s, const struct axis *x, const struct axis *y)
{
    bool pen = false;
    fputs("<path d=\"", f);
    for (size_t i = 0; i < s->n; i++) {
        bool there = chart_drawable(s->x[i]) && chart_drawable(s->y[i]);
        if (there) fprintf(f, "%c%.1f %.1f", pen ? 'L' : 'M', place_x(x, s->x[i]), chart_y(y, s->y[i]));
        pen = there;
    }
    fprintf(f, "\" fill=\"none\" stroke=\"var(--c%d)\" stroke-width=\"1.6\"%s/>\n", s->colour % CHART_COLOURS,
            s->mark == CHART_DASHES ? " stroke-dasharray=\"5 4\"" : "");
}

static bool in_band(const struct chart_series *s, size_t i)
{
    return chart_drawable(s->x[i]) && chart_drawable(s->low[i]) && chart_drawable(s->high[i]);
}

/* A stretch of known values is a polygon: along the lower edge and back along the upper. */
static void put_band(FILE *f, const struct chart_series *s, const struct axis *x, const struct axis *y)
{
    for (size_t i = 0; i < s->n;) {
        size_t end = i;
        while (end < s->n && in_band(s, end)) end++;
        if (end > i) {
            fputs("<path d=\"", f);
            for (size_t k = i; k < end; k++)
                fprintf(f, "%c%.1f %.1f", k > i ? 'L' : 'M', place_x(x, s->x[k]), chart_y(y, s->low[k]));
            for (size_t k = end; k-- > i;) fprintf(f, "L%.1f %.1f", place_x(x, s->x[k]), chart_y(y, s->high[k]));
            /* a stroke as well: a band of one point has no area */
            fprintf(f,
                    "z\" fill=\"var(--c%d)\" fill-opacity=\".17\" stroke=\"var(--c%d)\" stroke-opacity=\".3\" "
                    "stroke-width=\"%s\"/>\n",
                    s->colour % CHART_COLOURS, s->colour % CHART_COLOURS, end - i > 1 ? ".8" : "5");
        }
        i = end + (end == i);
    }
}

static void put_rule(FILE *f, const struct chart_rule *r, const struct axis *x, const struct axis *y)
{
    if (!chart_drawable(r->at)) return;
    if (r->level)
        fprintf(f, "<path d=\"M%d %.1fH%d\"", LEFT, chart_y(y, r->at), WIDTH - RIGHT);
    else
        fprintf(f, "<path d=\"M%.1f %dV%d\"", place_x(x, r->at), TOP, TOP + PLOT_H);
    fprintf(f, " stroke=\"var(--c%d)\" stroke-width=\"1.3\"%s/>\n", r->colour % CHART_COLOURS,
            r->dashed ? " stroke-dasharray=\"2 3\"" : "");
}

/* ---- The chart ---- */

static void widen(double v, double range[2])
{
    if (!chart_drawable(v)) return;
    range[0] = fmin(range[0], v);
    range[1] = fmax(range[1], v);
}

/* False where nothing can be drawn. */
static bool find_ranges(const struct chart *c, double x[2], double y[2])
{
    x[0] = y[0] = INFINITY;
    x[1] = y[1] = -INFINITY;
    for (size_t k = 0; k < c->n_series; k++) {
        const struct chart_series *s = &c->series[k];
        for (size_t i = 0; i < s->n; i++) {
            bool there = chart_drawable(s->x[i]) && (s->mark == CHART_BAND ? in_band(s, i) : chart_drawable(s->y[i]));
            if (!there) continue;
            widen(s->x[i], x);
            if (s->mark != CHART_BAND) widen(s->y[i], y);
            if (s->low) widen(s->low[i], y);
            if (s->high) widen(s->high[i], y);
        }
    }
    if (x[0] > x[1]) return false;
    for (size_t k = 0; k < c->n_rules; k++) widen(c->rules[k].at, c->rules[k].level ? y : x);
    return true;
}

static void put_swatch(FILE *f, const struct chart_series *s)
{
    fputs("<li><svg viewBox=\"0 0 26 12\" aria-hidden=\"true\">", f);
    if (s->mark == CHART_POINTS) {
        chart_mark_at(f, s->colour, 13, 6, 3.8);
        fputs("/>", f);
    } else if (s->mark == CHART_BAND) {
        fprintf(f, "<rect width=\"26\" height=\"12\" fill=\"var(--c%d)\" fill-opacity=\".22\"/>", s->colour % CHART_COLOURS);
    } else {
        fprintf(f, "<path d=\"M0 6H26\" stroke=\"var(--c%d)\" stroke-width=\"2\"%s/>", s->colour % CHART_COLOURS,
                s->mark == CHART_DASHES ? " stroke-dasharray=\"5 4\"" : "");
    }
    fputs("</svg>", f);
    html_text(f, s->name);
    fputs("</li>\n", f);
}

static void put_legend(FILE *f, const struct chart *c)
{
    fputs("<ul class=\"legend\">\n", f);
    for (size_t k = 0; k < c->n_series; k++)
        if (c->series[k].name && c->series[k].n) put_swatch(f, &c->series[k]);
    for (size_t k = 0; k < c->n_rules; k++) {
        const struct chart_rule *r = &c->rules[k];
        if (!r->name || !chart_drawable(r->at)) continue;
        fprintf(f,
                "<li><svg viewBox=\"0 0 26 12\" aria-hidden=\"true\"><path d=\"%s\" stroke=\"var(--c%d)\" "
                "stroke-width=\"2\"%s/></svg>",
                r->level ? "M0 6H26" : "M13 0V12", r->colour % CHART_COLOURS, r->dashed ? " stroke-dasharray=\"2 3\"" : "");
        html_text(f, r->name);
        fputs("</li>\n", f);
    }
    fputs("</ul>\n", f);
}

void chart_write(const struct chart *c, FILE *f)
{
    double xs[2], ys[2];
    if (!find_ranges(c, xs, ys)) {
        chart_nothing(c->title, f);
        return;
    }
    struct axis x = chart_axis(xs[0], xs[1], !c->x_near, c->x_unit, 6), y = chart_axis(ys[0], ys[1], c->y_zero, c->y_unit, 5);
    chart_begin(f, c->title, c->caption, HEIGHT);
    chart_levels(f, &y, c->y_label);
    int n = (int)lround((x.high - x.low) / x.step);
    for (int i = 0; i <= n; i++) {
        double v = x.low + i * x.step, at = place_x(&x, v * x.scale.factor);
        fprintf(f, "<path class=\"axis\" d=\"M%.1f %dv4\"/><text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">",
                at, TOP + PLOT_H, at, TOP + PLOT_H + 17);
        chart_tick(f, v, x.step);
        fputs("</text>\n", f);
    }
    fprintf(f, "<path class=\"axis\" d=\"M%d %dV%dH%d\"/>\n", LEFT, TOP, TOP + PLOT_H, WIDTH - RIGHT);
    chart_below(f, c->x_label, x.scale.unit);
    for (size_t k = 0; k < c->n_series; k++)
        if (c->series[k].mark == CHART_BAND) put_band(f, &c->series[k], &x, &y);
    for (size_t k = 0; k < c->n_rules; k++) put_rule(f, &c->rules[k], &x, &y);
    for (size_t k = 0; k < c->n_series; k++)
        if (c->series[k].mark == CHART_LINE || c->series[k].mark == CHART_DASHES) put_line(f, &c->series[k], &x, &y);
    for (size_t k = 0; k < c->n_series; k++)
        if (c->series[k].mark == CHART_POINTS) put_points(f, c, &c->series[k], &x, &y);
    fputs("</svg>\n", f);
    put_legend(f, c);
    chart_end(f, c->caption);
}
