/* q3_K_gemm_avx512.c - two bits from qs and one from hmask, 4 too high.
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_avx512.h"

KERNEL_INLINE void pack(void *block, const char *const row[GEMM_ROWS], size_t at)
{
    struct gemm_block256 *b = block;
    __m512i w[4], high[4];
    gemm_words(row, at + sizeof(struct block_q3_K) - 16, w); /* two bytes of qs, the scales, d */
    b->d = gemm_f16_high(w[3]);
    const __m512i low4 = _mm512_set1_epi8(15), high2 = _mm512_set1_epi8(48), middle = _mm512_set1_epi8(32);
    __m512i scales[4], packed[3];
    for (int i = 0; i < 3; i++) packed[i] = _mm512_or_si512(_mm512_srli_epi32(w[i], 16), _mm512_slli_epi32(w[i + 1], 16));
    for (int i = 0; i < 4; i++) {
        const __m512i pairs = i == 0   ? _mm512_slli_epi32(packed[2], 4)
                              : i == 1 ? _mm512_slli_epi32(packed[2], 2)
                              : i == 2 ? packed[2]
                                       : _mm512_srli_epi32(packed[2], 2);
        const __m512i nibbles = i < 2 ? packed[i] : _mm512_srli_epi32(packed[i - 2], 4);
        const __m512i sc = _mm512_or_si512(_mm512_and_si512(nibbles, low4), _mm512_and_si512(pairs, high2));
        scales[i] = _mm512_sub_epi8(sc, middle);
    }
    gemm_scales16(b, scales);
    gemm_too_high16(b, 2);
    for (int part = 0; part < 4;
         part++) { /* 16 bytes of qs: elements 128 * (part / 2) + 16 * (part % 2) .., and 32, 64, 96 on */
        gemm_words(row, at + offsetof(struct block_q3_K, hmask) + 16 * (size_t)(part % 2), high);
        gemm_words(row, at + offsetof(struct block_q3_K, qs) + 16 * (size_t)part, w);
        for (int p = 0; p < 4; p++)
            for (int j = 0; j < 4; j++)
                b->codes[32 * (part / 2) + 8 * p + 4 * (part % 2) + j] =
                    _mm512_or_si512(avx512_bits(w[j], -2 * p, 3), avx512_bits(high[j], 2 - p - 4 * (part / 2), 4));
    }
}

GEMM_KERNEL_AVX512(q3_K, avx512, 256, 2, 16);
