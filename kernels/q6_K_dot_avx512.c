/* q6_K_dot_avx512.c - 4 bits from ql and 2 from qh, 32 too high.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx512.h"

KERNEL_INLINE __m512i codes(const void *block, int j)
{
    const struct block_q6_K *b = block;
    const __m512i low = avx512_bits(_mm512_loadu_si512(b->ql + 64 * (j / 2)), -4 * (j % 2), 15),
                  h = avx512_twice(b->qh + 32 * (j / 2));
    const __m512i high = j % 2 ? _mm512_srlv_epi16(h, avx512_halves(0, 2)) : _mm512_sllv_epi16(h, avx512_halves(4, 2));
    return _mm512_or_si512(low, _mm512_and_si512(high, _mm512_set1_epi8(48)));
}

DOT_KERNEL_AVX512_256(q6_K, avx512, 5, 6);
