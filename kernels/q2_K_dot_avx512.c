/* q2_K_dot_avx512.c - two bits; sixteen scales and sixteen minima of 4 bits.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx512.h"

KERNEL_INLINE __m512i codes(const void *block, int j)
{
    const struct block_q2_K *b = block;
    const __m512i two = _mm512_srlv_epi16(avx512_twice(b->qs + 32 * (j / 2)), avx512_halves(4 * (j % 2), 4 * (j % 2) + 2));
    return _mm512_and_si512(two, _mm512_set1_epi8(3));
}

DOT_KERNEL_AVX512_256(q2_K, avx512, AVX2_MINIMA, 4);
