/* q4_K_gemm_avx512.c - nibbles, eight scales and eight minima.
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_avx512.h"

KERNEL_INLINE void pack(void *block, const char *const row[GEMM_ROWS], size_t at)
{
    struct gemm_block256 *b = block;
    gemm_scales8(b, row, at);
    for (int p = 0; p < 8; p++) { /* 16 bytes: half of the low nibbles' sub-block and of the high ones' */
        __m512i w[4];
        gemm_words(row, at + offsetof(struct block_q4_K, qs) + 16 * (size_t)p, w);
        for (int j = 0; j < 4; j++) {
            __m512i *codes = b->codes + 16 * (p / 2) + 4 * (p % 2) + j;
            codes[0] = avx512_bits(w[j], 0, 15);
            codes[8] = avx512_bits(w[j], -4, 15);
        }
    }
}

GEMM_KERNEL_AVX512(q4_K, avx512, 256, GEMM_MINIMA, 32);
