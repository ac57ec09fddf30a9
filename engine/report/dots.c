/* SPDX-License-Identifier: MIT */
#include "engine/report/dots.h"

#include "engine/report/chart_private.h"
#include "engine/report/html.h"

#include <math.h>
#include <string.h>

enum { ROW = 34, HEAD = 14, FOOT = 46, NAMES = 168 }; /* heights of a row, above and below all; width of the names */

static double place(const struct axis *a, double v)
{
    return NAMES + (WIDTH - NAMES - RIGHT) * (v / a->scale.factor - a->low) / (a->high - a->low);
}

static void widen(double v, double range[2])
{
    if (!chart_drawable(v)) return;
    range[0] = fmin(range[0], v);
    range[1] = fmax(range[1], v);
}

/* A mark filled, or its outline alone. */
static void put_dot(FILE *f, const struct dots_series *s, double x, double y)
{
    chart_mark_at(f, s->colour, x, y, 4.2);
    if (!s->solid) fprintf(f, " style=\"fill:var(--bg);stroke:var(--c%d);stroke-width:1.6\"", s->colour);
}

static void put_series(FILE *f, const struct dots *d, const struct dots_series *s, const struct axis *x)
{
    for (size_t i = 0; i < d->n; i++) {
        double y = HEAD + ROW * ((double)i + 0.5);
        if (!chart_drawable(s->x[i])) continue;
        if (s->low && chart_drawable(s->low[i]) && chart_drawable(s->high[i]))
            fprintf(f, "<path d=\"M%.1f %.1fH%.1f\" stroke=\"var(--c%d)\" stroke-width=\"2\"/>\n", place(x, s->low[i]), y,
                    place(x, s->high[i]), s->colour);
        put_dot(f, s, place(x, s->x[i]), y);
        fputs("><title>", f);
        html_text(f, d->name[i]);
        fputs(", ", f);
        html_text(f, s->name);
        fprintf(f, ": %.1f</title></%s>\n", s->x[i], s->colour % 4 ? "path" : "circle");
    }
}

void dots_write(const struct dots *d, FILE *f)
{
    double range[2] = {INFINITY, -INFINITY};
    for (size_t k = 0; k < d->n_series; k++)
        for (size_t i = 0; i < d->n; i++) {
            const struct dots_series *s = &d->series[k];
            if (!chart_drawable(s->x[i])) continue;
            widen(s->x[i], range);
            if (s->low) widen(s->low[i], range);
            if (s->high) widen(s->high[i], range);
        }
    if (range[0] > range[1]) {
        chart_nothing(d->title, f);
        return;
    }
    widen(0, range);
    struct axis x = chart_axis(range[0], range[1], false, "", 6);
    int bottom = HEAD + ROW * (int)d->n, n = (int)lround((x.high - x.low) / x.step);
    chart_begin(f, d->title, d->caption, bottom + FOOT);
    for (int i = 0; i <= n; i++) {
        double v = x.low + i * x.step, at = place(&x, v);
        fprintf(f, "<path class=\"%s\" d=\"M%.1f %dV%d\"/><text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">",
                fabs(v) < 1e-9 * x.step ? "axis" : "gridline", at, HEAD, bottom, at, bottom + 17);
        chart_tick(f, v, x.step);
        fputs("</text>\n", f);
    }
    for (size_t i = 0; i < d->n; i++) {
        fprintf(f, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", NAMES - 12, HEAD + ROW * ((double)i + 0.5) + 4);
        html_text(f, d->name[i]);
        fputs("</text>\n", f);
    }
    fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", NAMES + (WIDTH - NAMES - RIGHT) / 2, bottom + FOOT - 8);
    html_text(f, d->x_label);
    fputs("</text>\n", f);
    for (size_t k = d->n_series; k-- > 0;) put_series(f, d, &d->series[k], &x); /* the first on top */
    fputs("</svg>\n<ul class=\"legend\">\n", f);
    for (size_t k = 0; k < d->n_series; k++) {
        fputs("<li><svg viewBox=\"0 0 26 12\" aria-hidden=\"true\">", f);
        put_dot(f, &d->series[k], 13, 6);
        fputs("/></svg>", f);
        html_text(f, d->series[k].name);
        fputs("</li>\n", f);
    }
    fputs("</ul>\n", f);
    chart_end(f, d->caption);
}
