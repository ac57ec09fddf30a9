/* q5_0_dot_avx512.c - nibbles and a fifth bit, 16 too high.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx512.h"

KERNEL_INLINE __m512i codes(const struct dot_four *b, const int pair)
{
    const __m512i q = dot_nibbles(b, pair, sizeof(struct block_q5_0), offsetof(struct block_q5_0, qs));
    return dot_fifth_bits(q, b, pair, sizeof(struct block_q5_0), offsetof(struct block_q5_0, qh));
}

DOT_KERNEL_AVX512_32(q5_0, avx512, 4, 4);
