/* dot_scalar.h - the loops of the reference products. Sums run in double and are rounded once, so that the reference's own
 * error is no part of what another kernel is held to.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_DOT_SCALAR_H
#define HARTREE_DOT_SCALAR_H

#include "kernels/codes.h"
#include "kernels/half.h"
#include "kernels/kernel.h"

/* y[c * ldy + r] = sum of block_dot(weights, activations) over the row's blocks of `block` elements. */
static inline void dot_blocks(const struct dot_args *a, size_t block, size_t w_bytes, size_t x_bytes,
                              double (*block_dot)(const void *w, const void *x))
{
    for (size_t c = 0; c < a->cols; c++) {
        for (size_t r = 0; r < a->rows; r++) {
            const char *w = (const char *)a->w + r * a->w_stride, *x = (const char *)a->x + c * a->x_stride;
            double sum = 0;
            for (size_t k = 0; k < a->n; k += block, w += w_bytes, x += x_bytes) sum += block_dot(w, x);
            a->y[c * a->ldy + r] = (float)sum;
        }
    }
}

/* Exact: at most 32 * 255 * 127. */
static inline int dot_codes(int n, const uint8_t *q, const int8_t *x)
{
    int sum = 0;
    for (int i = 0; i < n; i++) sum += q[i] * x[i];
    return sum;
}

#endif
