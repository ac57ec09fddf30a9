/* q4_K_dot_avx512.c - nibbles, eight scales and eight minima.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx512.h"

KERNEL_INLINE __m512i codes(const void *block, int j)
{
    const struct block_q4_K *b = block;
    return _mm512_and_si512(_mm512_srlv_epi16(avx512_twice(b->qs + 32 * j), avx512_halves(0, 4)), _mm512_set1_epi8(15));
}

DOT_KERNEL_AVX512_256(q4_K, avx512, AVX2_MINIMA, 4);
