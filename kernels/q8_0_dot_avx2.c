/* q8_0_dot_avx2.c - signed codes as they are.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes_avx2.h"

AVX2_INLINE void tile(const struct dot_args *a, size_t r, size_t c, const int nc)
{
    avx2_tile32(a, r, c, nc, sizeof(struct block_q8_0), codes_q8_0, AVX2_SIGNED8);
}

DOT_KERNEL_AVX2(q8_0, avx2);
