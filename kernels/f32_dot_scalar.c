/* f32_dot_scalar.c - y = sum of w * x with f32 weights and f32 activations; products and sums in double, rounded once.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_scalar.h"
#include "kernels/spec_type.h"

static double block_dot(const void *weight, const void *activation)
{
    float w;
    float x;
    memcpy(&w, weight, sizeof w);
    memcpy(&x, activation, sizeof x);
    return (double)w * x;
}

static void f32_dot_scalar(const struct dot_args *a)
{
    dot_blocks(a, 1, sizeof(float), sizeof(float), block_dot);
}

DOT_SPEC(F32, DOT_CASES_1);
KERNEL(f32_dot, scalar, .exact = true, .spec = &spec);
