/* q6_K_dot_scalar.c - y = sum over blocks of dx * d * S, S = sum over sub-blocks of sc * (<q, qx> - 32 * sum(qx)). S is exact.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_scalar.h"
#include "kernels/spec_type.h"

static double block_dot(const void *weights, const void *activations)
{
    const struct block_q6_K *w = weights;
    const struct block_q8_a256 *x = activations;
    uint8_t q[256];
    int sum = 0;
    q6_K_get(w, q);
    for (int s = 0; s < 16; s++) sum += w->scales[s] * (dot_codes(16, q + 16 * s, x->qs + 16 * s) - 32 * x->bsums[s]);
    return (double)x->d * f16_to_f32(w->d) * sum;
}

static void q6_K_dot_scalar(const struct dot_args *a)
{
    dot_blocks(a, 256, sizeof(struct block_q6_K), sizeof(struct block_q8_a256), block_dot);
}

DOT_SPEC(Q6_K, DOT_CASES_256);
KERNEL(q6_K_dot, scalar, .exact = true, .spec = &spec);
