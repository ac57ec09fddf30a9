/* q5_1_dot_avx512.c - nibbles and a fifth bit; m times the activations' sum is added.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx512.h"

KERNEL_INLINE __m512i codes(const struct dot_four *b, const int pair)
{
    const __m512i q = dot_nibbles(b, pair, sizeof(struct block_q5_1), offsetof(struct block_q5_1, qs));
    return dot_fifth_bits(q, b, pair, sizeof(struct block_q5_1), offsetof(struct block_q5_1, qh));
}

DOT_KERNEL_AVX512_32(q5_1, avx512, DOT_MINIMA, 4);
