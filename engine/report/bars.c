/* bars.c - stacked bars; see chart.h.
 * SPDX-License-Identifier: MIT */
#include "engine/report/chart.h"
#include "engine/report/chart_private.h"
#include "engine/report/html.h"

#include <math.h>
#include <string.h>

static double part_of(const struct bars *b, size_t i, size_t k)
{
    double v = b->value[i * b->n_parts + k];
    return chart_drawable(v) && v > 0 ? v : 0;
}

void bars_write(const struct bars *b, FILE *f)
{
    double highest = 0;
    for (size_t i = 0; i < b->n; i++) {
        double sum = 0;
        for (size_t k = 0; k < b->n_parts; k++) sum += part_of(b, i, k);
        highest = fmax(highest, sum);
    }
    if (!(highest > 0) || !chart_drawable(highest)) {
        chart_nothing(b->title, f);
        return;
    }
    struct axis y = chart_axis(0, highest, true, b->y_unit, 5);
    double pitch = (double)PLOT_W / (double)b->n, width = pitch * (b->n > 60 ? 0.92 : 0.78), labelled = -INFINITY;
    chart_begin(f, b->title, b->caption, HEIGHT);
    chart_levels(f, &y, b->y_label);
    for (size_t i = 0; i < b->n; i++) {
        double left = LEFT + pitch * (double)i + (pitch - width) / 2, middle = left + width / 2, at = 0;
        for (size_t k = 0; k < b->n_parts; k++) {
            double v = part_of(b, i, k), top = chart_y(&y, at + v), bottom = chart_y(&y, at);
            at += v;
            if (v <= 0) continue;
            fprintf(f, "<rect x=\"%.1f\" y=\"%.2f\" width=\"%.1f\" height=\"%.2f\" fill=\"var(--c%zu)\"><title>", left, top,
                    width, bottom - top, k % CHART_COLOURS);
            html_text(f, b->label[i]);
            fputs(", ", f);
            html_text(f, b->name[k]);
            fputs(": ", f);
            html_text(f, chart_value(v, b->y_unit).s);
            fputs("</title></rect>\n", f);
        }
        double half = 3.4 * (double)strlen(b->label[i]) + 3;
        bool last =
            i + 1 < b->n && middle + half > LEFT + pitch * ((double)b->n - 0.5) - 3.4 * (double)strlen(b->label[b->n - 1]) - 3;
        if (middle - half < labelled || last) continue; /* the last one always has its label */
        labelled = middle + half;
        fprintf(f, "<text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">", middle, TOP + PLOT_H + 17);
        html_text(f, b->label[i]);
        fputs("</text>\n", f);
    }
    fprintf(f, "<path class=\"axis\" d=\"M%d %dV%dH%d\"/>\n", LEFT, TOP, TOP + PLOT_H, WIDTH - RIGHT);
    chart_below(f, b->x_label, "");
    fputs("</svg>\n<ul class=\"legend\">\n", f);
    for (size_t k = 0; k < b->n_parts; k++) {
        fprintf(f,
                "<li><svg viewBox=\"0 0 26 12\" aria-hidden=\"true\"><rect x=\"7\" width=\"12\" height=\"12\" "
                "fill=\"var(--c%zu)\"/></svg>",
                k % CHART_COLOURS);
        html_text(f, b->name[k]);
        fputs("</li>\n", f);
    }
    fputs("</ul>\n", f);
    chart_end(f, b->caption);
}
