/* q8_a32_quant_avx512.c - the scalar row's operations, 16 floats at once.
 * SPDX-License-Identifier: MIT */
#include "kernels/amax_avx512.h"

static void q8_a32_quant_avx512(const struct quant_args *a)
{
    struct block_q8_a32 *b = a->y;
    for (size_t k = 0; k < a->n; k += 32, b++) {
        const float *x = a->x + k;
        float inverse;
        b->d = amax_scale(amax_of_avx512(x, 32), &inverse);
        const __m512i q0 = amax_codes_avx512(x, inverse), q1 = amax_codes_avx512(x + 16, inverse), q = _mm512_add_epi32(q0, q1);
        _mm_storeu_si128((__m128i *)b->qs, _mm512_cvtepi32_epi8(q0));
        _mm_storeu_si128((__m128i *)(b->qs + 16), _mm512_cvtepi32_epi8(q1));
        const __m256i s = _mm256_add_epi32(_mm512_castsi512_si256(q), _mm512_extracti64x4_epi64(q, 1));
        __m128i t = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
        t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0x4e));
        t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0xb1));
        b->sum = _mm_cvtsi128_si32(t);
    }
}

KERNEL(q8_a32_quant, avx512, .needs = AVX512_NEEDS, .exact = true);
