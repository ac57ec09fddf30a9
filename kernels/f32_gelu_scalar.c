/* f32_gelu_scalar.c - y = gelu(x), in the form of f32_gelu_mul_scalar.c.
 * SPDX-License-Identifier: MIT */
#include "kernels/spec_gelu.h"

static void f32_gelu_scalar(const struct vec_args *a)
{
    for (size_t i = 0; i < a->n; i++) a->y[i] = gate_times_sigmoid(a->x[i], gelu_exponent(a->x[i]));
}

KERNEL(f32_gelu, scalar, .spec = &spec);
