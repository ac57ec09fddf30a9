/* f32_quick_gelu_scalar.c - y = x / (1 + exp(-1.702 x)), the sigmoid approximation of GELU (Hendrycks and Gimpel, arXiv
 * 1606.08415, section 2). SPDX-License-Identifier: MIT */
#include "kernels/spec_gelu.h"

static void f32_quick_gelu_scalar(const struct vec_args *a)
{
    for (size_t i = 0; i < a->n; i++) a->y[i] = gate_times_sigmoid(a->x[i], 1.702f * a->x[i]);
}

KERNEL(f32_quick_gelu, scalar, .spec = &spec);
