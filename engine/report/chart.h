/* chart.h - figures as inline SVG: series over two axes, and stacked bars. No script; a mark's figures are in its tooltip.
 *
 * Figures are drawn at 440 units' width and scale with the page, so that their letters stay legible on a phone. Units are given
 * with a star where a prefix goes ("*s", "core-*s", "GB *s"): the chart picks milli, micro, giga ... by the largest value.
 * Without a star there is no prefix ("tokens"). Values that are not finite, or above 1e300, are left out.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_CHART_H
#define HARTREE_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum chart_mark {
    CHART_BAND,   /* between low and high */
    CHART_LINE,   /* through y */
    CHART_DASHES, /* the same, dashed */
    CHART_POINTS, /* at y, with bars from low to high where there are such */
};

enum { CHART_COLOURS = 8 };

/* Arrays are borrowed. Points of a line follow each other by x. */
struct chart_series {
    const char *name;         /* for the legend; it says predicted, measured or published. NULL: not in it */
    enum chart_mark mark;
    int colour;               /* 0 to CHART_COLOURS - 1; the shape of points goes with it */
    size_t n;
    const double *x, *y, *low, *high; /* y NULL for a band; low and high NULL where there are none */
};

/* A line across the whole figure, with a word at it. */
struct chart_rule {
    double at;        /* of x, or of y if `level`; not finite: not drawn */
    bool level;
    const char *name; /* in the legend; NULL: not in it */
    int colour;
    bool dashed;
};

struct chart {
    const char *title;        /* heading of the figure */
    const char *caption;      /* what is seen, and of what kind it is */
    const char *x_label, *x_unit, *y_label, *y_unit;
    bool y_zero;              /* y begins at 0; x always does unless x_near */
    bool x_near;              /* x begins near its least value */
    const struct chart_series *series;
    size_t n_series;
    const struct chart_rule *rules;
    size_t n_rules;
};

/* A <figure>. Where no value can be drawn it says so instead of axes. */
void chart_write(const struct chart *c, FILE *f);

/* Bars side by side, each of parts on top of each other. */
struct bars {
    const char *title, *caption;
    const char *x_label, *y_label, *y_unit;
    size_t n, n_parts;
    const char *const *name;  /* [n_parts], for the legend */
    const char *const *label; /* [n], below the bars; as many of them are written as there is room for */
    const double *value;      /* [n][n_parts], not negative; what is not finite takes no room */
};

void bars_write(const struct bars *b, FILE *f);

/* The chart's own rounding, for captions and tables beside it: a value with its unit and prefix, "1.234 ms"; "-" for NAN. */
struct chart_text {
    char s[48];
};
struct chart_text chart_value(double v, const char *unit);

#endif
