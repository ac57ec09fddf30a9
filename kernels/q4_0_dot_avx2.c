/* q4_0_dot_avx2.c - nibbles minus 8, as signed codes.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes_avx2.h"

AVX2_INLINE void tile(const struct dot_args *a, size_t r, size_t c, const int nc)
{
    avx2_tile32(a, r, c, nc, sizeof(struct block_q4_0), codes_q4_0, AVX2_SIGNED5);
}

DOT_KERNEL_AVX2(q4_0, avx2);
