/* q3_K_dot_avx512.c - two bits from qs and one from hmask, 4 too high.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx512.h"

KERNEL_INLINE __m512i codes(const void *block, int j)
{
    const struct block_q3_K *b = block;
    const __m512i two = _mm512_srlv_epi16(avx512_twice(b->qs + 32 * (j / 2)), avx512_halves(4 * (j % 2), 4 * (j % 2) + 2));
    const __m512i low = _mm512_and_si512(two, _mm512_set1_epi8(3));
    const __mmask64 high = _mm512_test_epi8_mask(avx512_twice(b->hmask), avx512_halves(0x0101 << 2 * j, 0x0202 << 2 * j));
    return _mm512_mask_add_epi8(low, high, low, _mm512_set1_epi8(4));
}

DOT_KERNEL_AVX512_256(q3_K, avx512, 2, 6);
