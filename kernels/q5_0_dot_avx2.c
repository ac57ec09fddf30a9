/* q5_0_dot_avx2.c - nibbles and a fifth bit, minus 16, as signed codes.
 * SPDX-License-Identifier: MIT */
#include "kernels/simd_avx2.h"

AVX2_INLINE struct avx2_block32 open_block(const void *block)
{
    const struct block_q5_0 *b = block;
    return (struct avx2_block32){
        _mm256_sub_epi8(_mm256_or_si256(avx2_codes4(b->qs), avx2_codes5_high(b->qh)), _mm256_set1_epi8(16)), avx2_f16(b->d), 0};
}

AVX2_INLINE void tile(const struct dot_args *a, size_t r, size_t c, const int nc)
{
    avx2_tile32(a, r, c, nc, sizeof(struct block_q5_0), open_block, 0);
}

DOT_KERNEL_AVX2(q5_0);
