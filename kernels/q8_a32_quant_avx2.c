/* q8_a32_quant_avx2.c - the scalar row's operations on 32 floats at once.
 * SPDX-License-Identifier: MIT */
#include "kernels/amax_avx2.h"

static void q8_a32_quant_avx2(const struct quant_args *a)
{
    struct block_q8_a32 *b = a->y;
    for (size_t k = 0; k < a->n; k += 32, b++) {
        const float *x = a->x + k;
        float inverse, d = amax_scale(amax_reduce(amax_step(_mm256_setzero_si256(), x)), &inverse);
        __m256i q = amax_codes(x, inverse, 127), s = amax_sums(q);
        __m128i t = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
        t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0x4e));
        t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0xb1));
        b->d = d;
        b->sum = _mm_cvtsi128_si32(t);
        _mm256_storeu_si256((__m256i *)b->qs, q);
    }
}

KERNEL(q8_a32_quant, avx2, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C, .exact = true);
