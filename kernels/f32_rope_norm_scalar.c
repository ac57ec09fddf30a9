/* f32_rope_norm_scalar.c - rotates (x[2j], x[2j+1]): (a cos - b sin, a sin + b cos), products and sums rounded apart.
 * SPDX-License-Identifier: MIT */
#include "kernels/spec_rope.h"

static void f32_rope_norm_scalar(const struct rope_args *a)
{
    for (size_t h = 0; h < a->heads; h++) {
        float *x = a->x + h * a->stride;
        for (size_t j = 0; j + 1 < a->n_rot; j += 2) {
            float c = a->cs[j], s = a->cs[j + 1], x0 = x[j], x1 = x[j + 1];
            x[j] = x0 * c - x1 * s;
            x[j + 1] = x0 * s + x1 * c;
        }
    }
}

KERNEL(f32_rope_norm, scalar, .spec = &spec);
