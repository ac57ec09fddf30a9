/* q5_0_gemm_avx512.c - nibbles and a fifth bit, 16 too high.
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_avx512.h"

KERNEL_INLINE void pack(void *block, const char *const row[GEMM_ROWS], size_t at)
{
    struct gemm_block32 *b = block;
    __m512i head[4], w[4]; /* d and half of qh; the other half */
    gemm_words(row, at, head);
    gemm_words(row, at + offsetof(struct block_q5_0, qs), w);
    b->d = gemm_f16_low(head[0]);
    gemm_nibbles(b, w);
    gemm_add_fifth_bits(b, _mm512_or_si512(_mm512_srli_epi32(head[0], 16), _mm512_slli_epi32(head[1], 16)));
}

GEMM_KERNEL_AVX512(q5_0, avx512, 32, 4);
