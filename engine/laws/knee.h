/* knee.h - where a cost stops growing with a picture's size: said from the clamp alone, and found in measured costs.
 *
 * Sizes come in stairs: all longest edges of a step become the same grid of patches. So a knee is a step, and its place the
 * least longest edge of it.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_KNEE_H
#define HARTREE_KNEE_H

#include <stddef.h>

#include "vision/clamp.h"

/* A step of the stairs: pictures of one aspect whose longest edge is `edge` or more, up to the next step. */
struct stair {
    int edge;
    struct clamped fit; /* of the picture of just that edge */
    int64_t unbounded;  /* patches that it would have without the clamp's upper bound */
};

static inline int longest_edge(int width, int height)
{
    return width > height ? width : height;
}

/* Width and height of a picture of source_width x source_height scaled to a longest edge: the other side to the nearest, at
 * least 1. */
void scaled_size(int source_width, int source_height, int edge, int *width, int *height);

/* The stairs of pictures of an aspect under a clamp, up to the longest edge of the source: *n of them, at least 1, to be freed.
 * A new one begins where the grid changes, with the clamp or without. NULL and *e: the clamp refuses all sizes, or no memory.
 */
struct stair *stairs_new(const struct clamp *c, const struct clamp_keys *keys, int source_width, int source_height, size_t *n,
                         struct error *e);

/* The knee by the clamp alone: the least edge with as many patches as the plateau, which is the median over all edges where the
 * clamp binds, of the last step its first alone (rules that bound the area do not give all of them the same grid). 0: it binds nowhere. */
int knee_predict(const struct stair *stairs, size_t n);

/* A cost at a picture's size in patches, as if nothing bounded it. */
struct knee_point {
    double size, cost;
};

/* What a change-point fit found. */
struct knee {
    bool there;       /* false: no knee is told from the scatter, or its place is at an end of the points; the rest is NAN */
    double at;        /* size in patches: one of the levels */
    double low, high; /* levels at the ends of the 95 % interval */
    double f; /* how much better the fit with a knee is than without: Fisher's F of one parameter; NAN: too few points */
};

/* Fits cost = c + a s + b s^2, s = min(size, K), by least squares of relative errors, for K at each of the levels (rising), and
 * takes the best: a continuous two-piece regression, whose second piece is flat. At least two points must lie at or beyond K
 * and four below it. The knee is `there` if costs rise up to K and F exceeds 10, for few points more as Student's t is wider:
 * above what noise alone reaches in one of twenty sweeps, of which tests/knee.c counts fewer (such suprema of F: Andrews,
 * Econometrica 61, 1993). The interval holds all K whose sum of squares is not larger than by Student's t squared. Source:
 * Hinkley, Biometrika 56 (1969). False and *e without memory. */
bool knee_fit(struct knee *k, const struct knee_point *points, size_t n, const double *levels, size_t n_levels,
              struct error *e);

#endif
