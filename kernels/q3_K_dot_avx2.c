/* q3_K_dot_avx2.c - the third bit comes from hmask, and 4 is taken off every code by way of bsums.
 * SPDX-License-Identifier: MIT */
#include "kernels/simd_avx2.h"

AVX2_INLINE struct avx2_block256 open_block(const void *block)
{
    const struct block_q3_K *b = block;
    const __m128i s = avx2_scales_q3(b->scales);
    return avx2_scales16(s, s, avx2_f16(b->d), 0);
}

AVX2_INLINE __m256i codes(const void *block, int j)
{
    const struct block_q3_K *b = block;
    __m256i low = avx2_bits(avx2_load(b->qs + 32 * (j / 4)), -2 * (j % 4), 3);
    return _mm256_or_si256(low, avx2_bits(avx2_load(b->hmask), 2 - j, 4));
}

AVX2_INLINE void tile(const struct dot_args *a, size_t r, size_t c, const int nc)
{
    avx2_tile256(a, r, c, nc, sizeof(struct block_q3_K), open_block, codes, 2);
}

DOT_KERNEL_AVX2(q3_K, avx2);
