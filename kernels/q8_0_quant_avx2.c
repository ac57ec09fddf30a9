/* q8_0_quant_avx2.c - the scalar row's operations on 32 floats at once.
 * SPDX-License-Identifier: MIT */
#include "kernels/amax_avx2.h"

static void q8_0_quant_avx2(const struct quant_args *a)
{
    struct block_q8_0 *b = a->y;
    for (size_t k = 0; k < a->n; k += 32, b++) {
        const float *x = a->x + k;
        float none, d = amax_scale(amax_reduce(amax_step(_mm256_setzero_si256(), x)), &none);
        b->d = f16_from_f32(d > 65504 ? 65504 : d);
        d = f16_to_f32(b->d);
        _mm256_storeu_si256((__m256i *)b->qs, amax_codes(x, d > 0 ? 1 / d : 0, 127));
    }
}

KERNEL(q8_0_quant, avx2, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C, .exact = true);
