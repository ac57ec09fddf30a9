/* dots.h - a figure of rows: for each, what several sources say of it, on one axis.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_DOTS_H
#define HARTREE_DOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Arrays hold a value a row; what is not finite is not drawn. */
struct dots_series {
    const char *name;
    int colour;
    bool solid;               /* else only the outline: for what was not done here */
    const double *x, *low, *high; /* low and high NULL: no interval */
};

struct dots {
    const char *title, *caption, *x_label;
    const char *const *name; /* of the rows */
    size_t n;
    const struct dots_series *series;
    size_t n_series;
};

/* A <figure> as chart_write's, with 0 marked. */
void dots_write(const struct dots *d, FILE *f);

#endif
