/* q5_1_gemm_avx512.c - nibbles and a fifth bit; m times the activations' sum is added.
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_avx512.h"

KERNEL_INLINE void pack(void *block, const char *const row[GEMM_ROWS], size_t at)
{
    struct gemm_block32 *b = block;
    __m512i head[4], w[4]; /* d and m; qh */
    gemm_words(row, at, head);
    gemm_words(row, at + offsetof(struct block_q5_1, qs), w);
    b->d = gemm_f16_low(head[0]);
    b->m = gemm_f16_high(head[0]);
    gemm_nibbles(b, w);
    gemm_add_fifth_bits(b, head[1]);
}

GEMM_KERNEL_AVX512(q5_1, avx512, 32, GEMM_MINIMA);
