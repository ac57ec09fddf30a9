/* q4_1_dot_avx512.c - nibbles; m times the activations' sum is added.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx512.h"

KERNEL_INLINE __m512i codes(const struct dot_four *b, const int pair)
{
    return dot_nibbles(b, pair, sizeof(struct block_q4_1), offsetof(struct block_q4_1, qs));
}

DOT_KERNEL_AVX512_32(q4_1, avx512, DOT_MINIMA, 4);
