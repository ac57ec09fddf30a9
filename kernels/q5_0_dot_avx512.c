/* q5_0_dot_avx512.c - nibbles and a fifth bit, 16 too high.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx512.h"

KERNEL_INLINE __m512i codes(const void *block0, const void *block1)
{
    const struct block_q5_0 *b0 = block0, *b1 = block1;
    return dot_fifth_bits(dot_nibbles(b0->qs, b1->qs), b0->qh, b1->qh);
}

DOT_KERNEL_AVX512_32(q5_0, avx512, 4, 4);
