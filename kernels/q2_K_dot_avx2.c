/* q2_K_dot_avx2.c - sixteen scales and sixteen minima of 4 bits; codes two bits up in each of four passes over 32 bytes.
 * SPDX-License-Identifier: MIT */
#include "kernels/simd_avx2.h"

AVX2_INLINE struct avx2_block256 open_block(const void *block)
{
    const struct block_q2_K *b = block;
    __m128i s = _mm_loadu_si128((const __m128i *)b->scales), low = _mm_set1_epi8(15);
    return avx2_scales16(_mm_and_si128(s, low), _mm_and_si128(_mm_srli_epi16(s, 4), low), avx2_f16(b->d), avx2_f16(b->dmin));
}

AVX2_INLINE __m256i codes(const void *block, int j)
{
    const struct block_q2_K *b = block;
    return avx2_bits(avx2_load(b->qs + 32 * (j / 4)), -2 * (j % 4), 3);
}

AVX2_INLINE void tile(const struct dot_args *a, size_t r, size_t c, const int nc)
{
    avx2_tile256(a, r, c, nc, sizeof(struct block_q2_K), open_block, codes, AVX2_MINIMA);
}

DOT_KERNEL_AVX2(q2_K, avx2);
