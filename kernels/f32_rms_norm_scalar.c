/* f32_rms_norm_scalar.c - y = x / sqrt(mean(x^2) + eps) * w. The squares are summed in double by every variant: the sum is then
 * the same number, to a float's precision, whatever the order, and it costs nothing beside a matrix product.
 * SPDX-License-Identifier: MIT */
#define NORM_BIAS    false
#define NORM_SPECIAL 4
#include "kernels/spec_norm.h"

static void f32_rms_norm_scalar(const struct norm_args *a)
{
    for (size_t r = 0; r < a->rows; r++) {
        const float *x = a->x + r * a->x_stride;
        float *y = a->y + r * a->y_stride;
        double sum = 0;
        for (size_t i = 0; i < a->n; i++) sum += (double)x[i] * x[i];
        float scale = (float)(1 / sqrt(sum / (double)a->n + (double)a->eps));
        for (size_t i = 0; i < a->n; i++) {
            float v = x[i] * scale;
            y[i] = a->w ? v * a->w[i] : v;
        }
    }
}

KERNEL(f32_rms_norm, scalar, .spec = &spec);
