/* chart_private.h - what the kinds of figures share (chart.c has it): a size, axes, marks.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_CHART_PRIVATE_H
#define HARTREE_CHART_PRIVATE_H

#include <stdbool.h>
#include <stdio.h>

/* A figure and its plot, in units of its viewBox. */
enum { WIDTH = 440, HEIGHT = 300, LEFT = 58, RIGHT = 14, TOP = 26, BOTTOM = 46 };
enum { PLOT_W = WIDTH - LEFT - RIGHT, PLOT_H = HEIGHT - TOP - BOTTOM };

struct scale {
    double factor; /* what a drawn 1 is */
    char unit[40];
};

struct axis {
    double low, high, step; /* of drawn units */
    struct scale scale;
};

/* Finite, and neither so large nor so small that an axis can't hold it. */
bool chart_drawable(double v);

/* An axis from low to high, from 0 where `zero` asks for it, in at most `parts` steps of 1, 2 or 5 times a power of ten. */
struct axis chart_axis(double low, double high, bool zero, const char *unit, int parts);

/* Where a value lies on a vertical axis of a plot of the usual height. */
double chart_y(const struct axis *a, double v);

/* From <figure> to the opened <svg>, and the caption with </figure>; or a figure that says it knows nothing. */
void chart_begin(FILE *f, const char *title, const char *caption, int height);
void chart_end(FILE *f, const char *caption);
void chart_nothing(const char *title, FILE *f);

/* The lines of a vertical axis with their numbers and its name above; the name of a horizontal one. */
void chart_levels(FILE *f, const struct axis *y, const char *label);
void chart_below(FILE *f, const char *label, const char *unit);

/* A tick's number; a negative one with a true minus sign. */
void chart_tick(FILE *f, double v, double step);

/* A mark of radius r, one shape a colour, so that print without colours tells them apart: an element left open for more. */
void chart_mark_at(FILE *f, int colour, double x, double y, double r);

#endif
