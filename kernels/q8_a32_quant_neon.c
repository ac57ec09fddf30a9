/* q8_a32_quant_neon.c - the scalar row's operations on 16 floats at once.
 * SPDX-License-Identifier: MIT */
#include "kernels/amax_neon.h"

static void q8_a32_quant_neon(const struct quant_args *a)
{
    struct block_q8_a32 *b = a->y;
    for (size_t k = 0; k < a->n; k += 32, b++) {
        const float *x = a->x + k;
        float inverse, d = amax_scale(amax_reduce(amax_step(vdupq_n_u32(0), x)), &inverse);
        const int8x16_t low = amax_codes(x, inverse, 0), high = amax_codes(x + 16, inverse, 0);
        b->d = d;
        b->sum = vaddlvq_s16(vaddq_s16(vpaddlq_s8(low), vpaddlq_s8(high)));
        vst1q_s8(b->qs, low);
        vst1q_s8(b->qs + 16, high);
    }
}

KERNEL(q8_a32_quant, neon, .needs = CPU_NEON, .exact = true);
