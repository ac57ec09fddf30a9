/* q2_K_gemm_avx512.c - two bits; sixteen scales and sixteen minima of 4 bits.
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_avx512.h"

KERNEL_INLINE void pack(void *block, const char *const row[GEMM_ROWS], size_t at)
{
    struct gemm_block256 *b = block;
    const __m512i low4 = _mm512_set1_epi8(15);
    __m512i w[4];
    gemm_words(row, at + sizeof(struct block_q2_K) - 16, w); /* its last four bytes: d and dmin */
    b->d = gemm_f16_low(w[3]);
    b->dmin = gemm_f16_high(w[3]);
    gemm_words(row, at + offsetof(struct block_q2_K, scales), w);
    for (int i = 0; i < 4; i++) {
        const __m512i least = _mm512_and_si512(_mm512_srli_epi32(w[i], 4), low4);
        for (int j = 0; j < 2; j++) b->offset[2 * i + j] = gemm_pair(least, j);
        w[i] = _mm512_and_si512(w[i], low4);
    }
    gemm_scales16(b, w);
    for (int part = 0; part < 4;
         part++) { /* 16 bytes of qs: elements 128 * (part / 2) + 16 * (part % 2) .., and 32, 64, 96 on */
        gemm_words(row, at + offsetof(struct block_q2_K, qs) + 16 * (size_t)part, w);
        for (int p = 0; p < 4; p++)
            for (int j = 0; j < 4; j++) b->codes[32 * (part / 2) + 8 * p + 4 * (part % 2) + j] = avx512_bits(w[j], -2 * p, 3);
    }
}

GEMM_KERNEL_AVX512(q2_K, avx512, 256, GEMM_MINIMA, 16);
