/* q4_0_dot_avx512.c - nibbles, 8 too high.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx512.h"

KERNEL_INLINE __m512i codes(const struct dot_four *b, const int pair)
{
    return dot_nibbles(b, pair, sizeof(struct block_q4_0), offsetof(struct block_q4_0, qs));
}

DOT_KERNEL_AVX512_32(q4_0, avx512, 3, 4);
