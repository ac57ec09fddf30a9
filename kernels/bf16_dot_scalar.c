/* bf16_dot_scalar.c - y = sum of w * x with bf16 weights and f32 activations; products and sums in double, rounded once.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_scalar.h"
#include "kernels/spec_type.h"

static double block_dot(const void *weight, const void *activation)
{
    uint16_t w;
    float x;
    memcpy(&w, weight, sizeof w);
    memcpy(&x, activation, sizeof x);
    return (double)bf16_to_f32(w) * x;
}

static void bf16_dot_scalar(const struct dot_args *a)
{
    dot_blocks(a, 1, sizeof(uint16_t), sizeof(float), block_dot);
}

DOT_SPEC(BF16, DOT_CASES_1);
KERNEL(bf16_dot, scalar, .exact = true, .spec = &spec);
