/* q3_K_dot_avx2.c - the third bit comes from hmask, and 4 is taken off every code by way of bsums.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes_avx2.h"

AVX2_INLINE void tile(const struct dot_args *a, size_t r, size_t c, const int nc)
{
    avx2_tile256(a, r, c, nc, sizeof(struct block_q3_K), open_q3_K, codes_q3_K, 2);
}

DOT_KERNEL_AVX2(q3_K, avx2);
