/* q5_K_gemm_avx512.c - q4_K with a fifth bit from qh.
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_avx512.h"

KERNEL_INLINE void pack(void *block, const char *const row[GEMM_ROWS], size_t at)
{
    struct gemm_block256 *b = block;
    gemm_scales8(b, row, at);
    for (int h = 0; h < 2; h++) { /* elements 16h .. 16h + 15 of each sub-block */
        __m512i high[4], w[4];
        gemm_words(row, at + offsetof(struct block_q5_K, qh) + 16 * (size_t)h, high);
        for (int p = 0; p < 4; p++) {
            gemm_words(row, at + offsetof(struct block_q5_K, qs) + 32 * (size_t)p + 16 * (size_t)h, w);
            for (int j = 0; j < 4; j++) {
                __m512i *codes = b->codes + 16 * p + 4 * h + j;
                codes[0] = _mm512_or_si512(avx512_bits(w[j], 0, 15), avx512_bits(high[j], 4 - 2 * p, 16));
                codes[8] = _mm512_or_si512(avx512_bits(w[j], -4, 15), avx512_bits(high[j], 3 - 2 * p, 16));
            }
        }
    }
}

GEMM_KERNEL_AVX512(q5_K, avx512, 256, GEMM_MINIMA, 32);
