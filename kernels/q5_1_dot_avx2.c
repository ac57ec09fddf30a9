/* q5_1_dot_avx2.c - nibbles and a fifth bit; m times the activation block's sum is added up apart.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes_avx2.h"

AVX2_INLINE void tile(const struct dot_args *a, size_t r, size_t c, const int nc)
{
    avx2_tile32(a, r, c, nc, sizeof(struct block_q5_1), codes_q5_1, AVX2_OFFSET);
}

DOT_KERNEL_AVX2(q5_1, avx2);
