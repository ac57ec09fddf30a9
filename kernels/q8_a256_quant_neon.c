/* q8_a256_quant_neon.c - the scalar row's operations on 16 floats at once, in two passes over a block.
 * SPDX-License-Identifier: MIT */
#include "kernels/amax_neon.h"

static void q8_a256_quant_neon(const struct quant_args *a)
{
    struct block_q8_a256 *b = a->y;
    for (size_t k = 0; k < a->n; k += 256, b++) {
        const float *x = a->x + k;
        uint32x4_t most = vdupq_n_u32(0);
        for (int i = 0; i < 256; i += 32) most = amax_step(most, x + i);
        float inverse;
        b->d = amax_scale(amax_reduce(most), &inverse);
        for (int j = 0; j < 16; j++) {
            const int8x16_t q = amax_codes(x + 16 * j, inverse, 0);
            vst1q_s8(b->qs + 16 * j, q);
            b->bsums[j] = vaddlvq_s8(q);
        }
    }
}

KERNEL(q8_a256_quant, neon, .needs = CPU_NEON, .exact = true);
