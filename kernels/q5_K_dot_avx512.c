/* q5_K_dot_avx512.c - q4_K with a fifth bit from qh.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx512.h"

KERNEL_INLINE __m512i codes(const void *block, int j)
{
    const struct block_q5_K *b = block;
    const __m512i low =
        _mm512_and_si512(_mm512_srlv_epi16(avx512_twice(b->qs + 32 * j), avx512_halves(0, 4)), _mm512_set1_epi8(15));
    const __mmask64 high = _mm512_test_epi8_mask(avx512_twice(b->qh), avx512_halves(0x0101 << 2 * j, 0x0202 << 2 * j));
    return _mm512_mask_add_epi8(low, high, low, _mm512_set1_epi8(16));
}

DOT_KERNEL_AVX512_256(q5_K, avx512, AVX2_MINIMA, 4);
