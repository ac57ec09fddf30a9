/* q4_0_dot_avx2.c - nibbles minus 8, as signed codes.
 * SPDX-License-Identifier: MIT */
#include "kernels/simd_avx2.h"

AVX2_INLINE struct avx2_block32 open_block(const void *block)
{
    const struct block_q4_0 *b = block;
    return (struct avx2_block32){_mm256_sub_epi8(avx2_codes4(b->qs), _mm256_set1_epi8(8)), avx2_f16(b->d), 0};
}

AVX2_INLINE void tile(const struct dot_args *a, size_t r, size_t c, const int nc)
{
    avx2_tile32(a, r, c, nc, sizeof(struct block_q4_0), open_block, 0);
}

DOT_KERNEL_AVX2(q4_0);
