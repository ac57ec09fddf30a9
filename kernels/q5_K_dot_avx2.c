/* q5_K_dot_avx2.c - q4_K with a fifth bit from qh.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes_avx2.h"

AVX2_INLINE void tile(const struct dot_args *a, size_t r, size_t c, const int nc)
{
    avx2_tile256(a, r, c, nc, sizeof(struct block_q5_K), open_q5_K, codes_q5_K, AVX2_MINIMA);
}

DOT_KERNEL_AVX2(q5_K, avx2);
