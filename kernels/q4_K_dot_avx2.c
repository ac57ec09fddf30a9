/* q4_K_dot_avx2.c - nibbles, eight scales and eight minima.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes_avx2.h"

AVX2_INLINE void tile(const struct dot_args *a, size_t r, size_t c, const int nc)
{
    avx2_tile256(a, r, c, nc, sizeof(struct block_q4_K), open_q4_K, codes_q4_K, AVX2_MINIMA);
}

DOT_KERNEL_AVX2(q4_K, avx2);
