/* q4_1_dot_scalar.c - y = sum over blocks of d * dx * <q, qx> + m * s, where s = dx * sum(qx) stands in x.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_scalar.h"
#include "kernels/spec_type.h"

static double block_dot(const void *weights, const void *activations)
{
    const struct block_q4_1 *w = weights;
    const struct block_q8_a32 *x = activations;
    uint8_t q[32];
    codes4_get(w->qs, q);
    return (double)f16_to_f32(w->d) * x->d * dot_codes(32, q, x->qs) + (double)f16_to_f32(w->m) * x->d * x->sum;
}

static void q4_1_dot_scalar(const struct dot_args *a)
{
    dot_blocks(a, 32, sizeof(struct block_q4_1), sizeof(struct block_q8_a32), block_dot);
}

DOT_SPEC(Q4_1, DOT_CASES_32);
KERNEL(q4_1_dot, scalar, .exact = true, .spec = &spec);
