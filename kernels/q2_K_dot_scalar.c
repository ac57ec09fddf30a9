/* q2_K_dot_scalar.c - y = sum over blocks of dx * (d * S - dmin * M), S = sum over sub-blocks of sc * <q, qx>, M = sum of
 * mn * sum(qx). S and M are integers, exact.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_scalar.h"
#include "kernels/spec_type.h"

static double block_dot(const void *weights, const void *activations)
{
    const struct block_q2_K *w = weights;
    const struct block_q8_a256 *x = activations;
    uint8_t q[256];
    int sum = 0, least = 0;
    codes2_get(w->qs, q);
    for (int s = 0; s < 16; s++) {
        sum += (w->scales[s] & 15) * dot_codes(16, q + 16 * s, x->qs + 16 * s);
        least += (w->scales[s] >> 4) * x->bsums[s];
    }
    return x->d * ((double)f16_to_f32(w->d) * sum - (double)f16_to_f32(w->dmin) * least);
}

static void q2_K_dot_scalar(const struct dot_args *a)
{
    dot_blocks(a, 256, sizeof(struct block_q2_K), sizeof(struct block_q8_a256), block_dot);
}

DOT_SPEC(Q2_K, DOT_CASES_256);
KERNEL(q2_K_dot, scalar, .exact = true, .spec = &spec);
