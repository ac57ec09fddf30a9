/* moments.h - sums over tokens of w x x^T, of w x and of w, for rows x of any width: what a linear layer's input looks like.
 *
 * Rows are gathered in panels of 2048. A panel is multiplied by itself with the engine's own float kernels, tile by tile of one
 * half, and its sums of so many products are added up in double. A sum of 2048 products in floats is off by some 1e-6 of the
 * sizes of what was added, where the compressor adds 1e-2 of the mean diagonal.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_MOMENTS_H
#define HARTREE_MOMENTS_H

#include "engine/pool.h"

#include <stddef.h>

struct moments {
    size_t n;
    double *second; /* n x n: w x x^T, whole after moments_finish; NULL: `square` alone was asked for */
    double *square; /* n: its diagonal */
    double *mean;   /* n: w x */
    double weight;  /* sum of w */
    size_t tokens;
    float *panel; /* private: rows that `second` lacks yet, transposed */
    size_t used;  /* private: how many */
    float *tiles; /* private: one a thread */
};

/* For rows of n floats; `threads`: the most that a pool given to the functions below has. False and *e for want of memory, with
 * all of it freed. */
bool moments_new(struct moments *m, size_t n, bool diagonal, int threads, struct error *e);
void moments_free(struct moments *m);

/* Adds `rows` rows; weight[r] is each one's w, NULL: 1. On all threads of the pool. What they make does not depend on how rows
 * are cut into calls. */
void moments_add(struct moments *m, const float *x, const float *weight, size_t rows, struct pool *pool);

/* Adds the rows that still wait, on the pool, and divides by the sum of weights. False where no weight was added or a sum is
 * not finite. */
bool moments_finish(struct moments *m, struct pool *pool);

#endif
