/* q8_0_dot_avx512.c - codes made unsigned by their sign bit, so 128 too high.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx512.h"

KERNEL_INLINE __m512i codes(const struct dot_four *b, const int pair)
{
    const struct block_q8_0 *w = (const struct block_q8_0 *)(const void *)b->w + 2 * pair;
    const __m512i q = _mm512_inserti64x4(_mm512_castsi256_si512(avx2_load(w->qs)), avx2_load(w[1].qs), 1);
    return _mm512_xor_si512(q, _mm512_set1_epi8((char)0x80));
}

DOT_KERNEL_AVX512_32(q8_0, avx512, 7, 6);
