/* q8_0_dot_avx2.c - signed codes as they are.
 * SPDX-License-Identifier: MIT */
#include "kernels/simd_avx2.h"

AVX2_INLINE struct avx2_block32 open_block(const void *block)
{
    const struct block_q8_0 *b = block;
    return (struct avx2_block32){avx2_load(b->qs), avx2_f16(b->d), 0};
}

AVX2_INLINE void tile(const struct dot_args *a, size_t r, size_t c, const int nc)
{
    avx2_tile32(a, r, c, nc, sizeof(struct block_q8_0), open_block, 0);
}

DOT_KERNEL_AVX2(q8_0);
