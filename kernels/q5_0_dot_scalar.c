/* q5_0_dot_scalar.c - y = sum over blocks of d * dx * <q - 16, qx>. The offset is taken off the codes, not by x's s: so the
 * integer sum is exact.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_scalar.h"
#include "kernels/spec_type.h"

static double block_dot(const void *weights, const void *activations)
{
    const struct block_q5_0 *w = weights;
    const struct block_q8_a32 *x = activations;
    uint8_t q[32];
    int sum = 0;
    codes5_get(w->qs, w->qh, q);
    for (int i = 0; i < 32; i++) sum += (q[i] - 16) * x->qs[i];
    return (double)f16_to_f32(w->d) * x->d * sum;
}

static void q5_0_dot_scalar(const struct dot_args *a)
{
    dot_blocks(a, 32, sizeof(struct block_q5_0), sizeof(struct block_q8_a32), block_dot);
}

DOT_SPEC(Q5_0, DOT_CASES_32);
KERNEL(q5_0_dot, scalar, .exact = true, .spec = &spec);
