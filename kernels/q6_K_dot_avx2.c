/* q6_K_dot_avx2.c - 4 bits from ql and 2 from qh; 32 is taken off every code by way of bsums.
 * SPDX-License-Identifier: MIT */
#include "kernels/simd_avx2.h"

AVX2_INLINE struct avx2_block256 open_block(const void *block)
{
    const struct block_q6_K *b = block;
    __m128i s = _mm_loadu_si128((const __m128i *)b->scales);
    return avx2_scales16(s, s, avx2_f16(b->d), 0);
}

AVX2_INLINE __m256i codes(const void *block, int j)
{
    const struct block_q6_K *b = block;
    int half = j / 4, part = j % 4;
    __m256i low = avx2_bits(avx2_load(b->ql + 64 * half + 32 * (part % 2)), -4 * (part / 2), 15);
    return _mm256_or_si256(low, avx2_bits(avx2_load(b->qh + 32 * half), 4 - 2 * part, 48));
}

AVX2_INLINE void tile(const struct dot_args *a, size_t r, size_t c, const int nc)
{
    avx2_tile256(a, r, c, nc, sizeof(struct block_q6_K), open_block, codes, 5);
}

DOT_KERNEL_AVX2(q6_K, avx2);
