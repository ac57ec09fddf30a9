/* q8_0_dot_scalar.c - y = sum over blocks of d * dx * <q, qx>; the integer sum is exact.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_scalar.h"
#include "kernels/spec_type.h"

static double block_dot(const void *weights, const void *activations)
{
    const struct block_q8_0 *w = weights;
    const struct block_q8_a32 *x = activations;
    int sum = 0;
    for (int i = 0; i < 32; i++) sum += w->qs[i] * x->qs[i];
    return (double)f16_to_f32(w->d) * x->d * sum;
}

static void q8_0_dot_scalar(const struct dot_args *a)
{
    dot_blocks(a, 32, sizeof(struct block_q8_0), sizeof(struct block_q8_a32), block_dot);
}

DOT_SPEC(Q8_0, DOT_CASES_32);
KERNEL(q8_0_dot, scalar, .exact = true, .spec = &spec);
