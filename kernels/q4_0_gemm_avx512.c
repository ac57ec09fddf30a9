/* q4_0_gemm_avx512.c - nibbles, 8 too high.
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_avx512.h"

KERNEL_INLINE void pack(void *block, const char *const row[GEMM_ROWS], size_t at)
{
    struct gemm_block32 *b = block;
    __m512i head[4], w[4];
    gemm_words(row, at, head);
    gemm_words(row, at + offsetof(struct block_q4_0, qs), w);
    b->d = gemm_f16_low(head[0]);
    gemm_nibbles(b, w);
}

GEMM_KERNEL_AVX512(q4_0, avx512, 32, 3);
