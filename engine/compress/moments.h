/* moments.h - sums over tokens of w x x^T, of w x and of w, for rows x of any width: what a linear layer's input looks like.
 *
 * Rows come in panels of one sequence. A panel is multiplied by itself with the engine's own float kernels, tile by tile of the
 * lower half; its sums of so many products are added up in double, so that digits do not depend on how many panels there are.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_MOMENTS_H
#define HARTREE_MOMENTS_H

#include "engine/pool.h"

#include <stddef.h>

struct moments {
    size_t n;
    double *second; /* n x n: w x x^T, the lower half until moments_finish; NULL: `square` alone was asked for */
    double *square; /* n: its diagonal */
    double *mean;   /* n: w x */
    double weight;  /* sum of w */
    size_t tokens;
    float *panel;   /* private: the rows at hand, transposed: n x panel_rows */
    size_t panel_rows;
    float *tiles;   /* private: one a thread */
};

/* For panels of at most panel_rows rows of n floats. False and *e for want of memory, with all of it freed. */
bool moments_new(struct moments *m, size_t n, size_t panel_rows, bool diagonal, int threads, struct error *e);
void moments_free(struct moments *m);

/* Adds `rows` rows; weight[r] is each one's w, NULL: 1. On all threads of the pool. */
void moments_add(struct moments *m, const float *x, const float *weight, size_t rows, struct pool *pool);

/* Divides by the sum of weights and fills in the upper half. False where no weight was added or a sum is not finite. */
bool moments_finish(struct moments *m);

#endif
