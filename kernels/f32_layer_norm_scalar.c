/* f32_layer_norm_scalar.c - y = (x - mean) / sqrt(mean((x - mean)^2) + eps) * w + b. Both sums are in double in every variant,
 * as those of f32_rms_norm are. SPDX-License-Identifier: MIT */
#define NORM_BIAS    true
#define NORM_SPECIAL 8
#include "kernels/spec_norm.h"

static void f32_layer_norm_scalar(const struct norm_args *a)
{
    for (size_t r = 0; r < a->rows; r++) {
        const float *x = a->x + r * a->x_stride;
        float *y = a->y + r * a->y_stride;
        double sum = 0, squares = 0;
        for (size_t i = 0; i < a->n; i++) sum += (double)x[i];
        float mean = (float)(sum / (double)a->n);
        for (size_t i = 0; i < a->n; i++) {
            float d = x[i] - mean;
            squares += (double)d * d;
        }
        float scale = (float)(1 / sqrt(squares / (double)a->n + (double)a->eps));
        for (size_t i = 0; i < a->n; i++) {
            float v = (x[i] - mean) * scale;
            if (a->w) v *= a->w[i];
            y[i] = a->b ? v + a->b[i] : v;
        }
    }
}

KERNEL(f32_layer_norm, scalar, .spec = &spec);
