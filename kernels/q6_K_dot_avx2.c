/* q6_K_dot_avx2.c - 4 bits from ql and 2 from qh; 32 is taken off every code by way of bsums.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes_avx2.h"

AVX2_INLINE void tile(const struct dot_args *a, size_t r, size_t c, const int nc)
{
    avx2_tile256(a, r, c, nc, sizeof(struct block_q6_K), open_q6_K, codes_q6_K, 5);
}

DOT_KERNEL_AVX2(q6_K, avx2);
