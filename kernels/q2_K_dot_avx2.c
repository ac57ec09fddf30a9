/* q2_K_dot_avx2.c - sixteen scales and sixteen minima of 4 bits; codes two bits up in each of four passes over 32 bytes.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes_avx2.h"

AVX2_INLINE void tile(const struct dot_args *a, size_t r, size_t c, const int nc)
{
    avx2_tile256(a, r, c, nc, sizeof(struct block_q2_K), open_q2_K, codes_q2_K, AVX2_MINIMA);
}

DOT_KERNEL_AVX2(q2_K, avx2);
