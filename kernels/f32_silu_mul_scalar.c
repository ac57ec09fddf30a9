/* f32_silu_mul_scalar.c - y = gate / (1 + exp(-gate)) * up
 * SPDX-License-Identifier: MIT */
#include "kernels/spec_glu.h"

static void f32_silu_mul_scalar(const struct glu_args *a)
{
    for (size_t i = 0; i < a->n; i++) a->y[i] = gate_times_sigmoid(a->gate[i], a->gate[i]) * a->up[i];
}

KERNEL(f32_silu_mul, scalar, .spec = &spec);
