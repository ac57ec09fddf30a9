/* q5_K_dot_scalar.c - y = sum over blocks of dx * (d * S - dmin * M), S = sum over sub-blocks of sc * <q, qx>, M = sum of
 * mn * sum(qx). S and M are integers, exact.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_scalar.h"
#include "kernels/spec_type.h"

static double block_dot(const void *weights, const void *activations)
{
    const struct block_q5_K *w = weights;
    const struct block_q8_a256 *x = activations;
    uint8_t q[256], sc[8], mn[8];
    int sum = 0, least = 0;
    q5_K_get(w, q);
    q45_K_get_scales(w->scales, sc, mn);
    for (int s = 0; s < 8; s++) {
        sum += sc[s] * dot_codes(32, q + 32 * s, x->qs + 32 * s);
        least += mn[s] * (x->bsums[2 * s] + x->bsums[2 * s + 1]);
    }
    return x->d * ((double)f16_to_f32(w->d) * sum - (double)f16_to_f32(w->dmin) * least);
}

static void q5_K_dot_scalar(const struct dot_args *a)
{
    dot_blocks(a, 256, sizeof(struct block_q5_K), sizeof(struct block_q8_a256), block_dot);
}

DOT_SPEC(Q5_K, DOT_CASES_256);
KERNEL(q5_K_dot, scalar, .exact = true, .spec = &spec);
