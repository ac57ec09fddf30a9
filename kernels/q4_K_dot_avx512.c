/* q4_K_dot_avx512.c - nibbles, eight scales and eight minima.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx512.h"

AVX512_INLINE struct dot_block256 open_block(const void *block)
{
    const struct block_q4_K *b = block;
    return dot_scales8(b->scales, avx2_f16(b->d), avx2_f16(b->dmin));
}

AVX512_INLINE __m512i codes(const void *block, int j)
{
    const struct block_q4_K *b = block;
    return _mm512_and_si512(_mm512_srlv_epi16(avx512_twice(b->qs + 32 * j), avx512_halves(0, 4)), _mm512_set1_epi8(15));
}

DOT_KERNEL256_AVX512(q4_K, DOT_MINIMA, 32);
