/* f32_rope_neox_scalar.c - rotates (x[j], x[j + n_rot/2]): (a cos - b sin, a sin + b cos), products and sums rounded apart.
 * SPDX-License-Identifier: MIT */
#include "kernels/spec_rope.h"

static void f32_rope_neox_scalar(const struct rope_args *a)
{
    size_t half = a->n_rot / 2;
    for (size_t h = 0; h < a->heads; h++) {
        float *x = a->x + h * a->stride;
        for (size_t j = 0; j < half; j++) {
            float c = a->cs[2 * j], s = a->cs[2 * j + 1], x0 = x[j], x1 = x[j + half];
            x[j] = x0 * c - x1 * s;
            x[j + half] = x0 * s + x1 * c;
        }
    }
}

KERNEL(f32_rope_neox, scalar, .spec = &spec);
