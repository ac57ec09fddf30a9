/* q3_K_dot_scalar.c - y = sum over blocks of dx * d * S, S = sum over sub-blocks of sc * (<q, qx> - 4 * sum(qx)). S is exact.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_scalar.h"
#include "kernels/spec_type.h"

static double block_dot(const void *weights, const void *activations)
{
    const struct block_q3_K *w = weights;
    const struct block_q8_a256 *x = activations;
    uint8_t q[256];
    int8_t sc[16];
    int sum = 0;
    q3_K_get(w, q);
    q3_K_get_scales(w->scales, sc);
    for (int s = 0; s < 16; s++) sum += sc[s] * (dot_codes(16, q + 16 * s, x->qs + 16 * s) - 4 * x->bsums[s]);
    return (double)x->d * f16_to_f32(w->d) * sum;
}

static void q3_K_dot_scalar(const struct dot_args *a)
{
    dot_blocks(a, 256, sizeof(struct block_q3_K), sizeof(struct block_q8_a256), block_dot);
}

DOT_SPEC(Q3_K, DOT_CASES_256);
KERNEL(q3_K_dot, scalar, .exact = true, .spec = &spec);
