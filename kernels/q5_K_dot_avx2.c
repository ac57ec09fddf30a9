/* q5_K_dot_avx2.c - q4_K with a fifth bit from qh.
 * SPDX-License-Identifier: MIT */
#include "kernels/simd_avx2.h"

AVX2_INLINE struct avx2_block256 open_block(const void *block)
{
    const struct block_q5_K *b = block;
    return avx2_scales8(b->scales, avx2_f16(b->d), avx2_f16(b->dmin));
}

AVX2_INLINE __m256i codes(const void *block, int j)
{
    const struct block_q5_K *b = block;
    __m256i low = avx2_bits(avx2_load(b->qs + 32 * (j / 2)), -4 * (j % 2), 15);
    return _mm256_or_si256(low, avx2_bits(avx2_load(b->qh), 4 - j, 16));
}

AVX2_INLINE void tile(const struct dot_args *a, size_t r, size_t c, const int nc)
{
    avx2_tile256(a, r, c, nc, sizeof(struct block_q5_K), open_block, codes, AVX2_MINIMA);
}

DOT_KERNEL_AVX2(q5_K, avx2);
