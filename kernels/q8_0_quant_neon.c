/* q8_0_quant_neon.c - the scalar row's operations on 16 floats at once.
 * SPDX-License-Identifier: MIT */
#include "kernels/amax_neon.h"

static void q8_0_quant_neon(const struct quant_args *a)
{
    struct block_q8_0 *b = a->y;
    for (size_t k = 0; k < a->n; k += 32, b++) {
        const float *x = a->x + k;
        float none, d = amax_scale(amax_reduce(amax_step(vdupq_n_u32(0), x)), &none);
        b->d = f16_from_f32(d > 65504 ? 65504 : d);
        d = f16_to_f32(b->d);
        const float inverse = d > 0 ? 1 / d : 0;
        vst1q_s8(b->qs, amax_codes(x, inverse, 127));
        vst1q_s8(b->qs + 16, amax_codes(x + 16, inverse, 127));
    }
}

KERNEL(q8_0_quant, neon, .needs = CPU_NEON, .exact = true);
