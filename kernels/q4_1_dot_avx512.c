/* q4_1_dot_avx512.c - nibbles; m times the activations' sum is added.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx512.h"

KERNEL_INLINE __m512i codes(const void *block0, const void *block1)
{
    const struct block_q4_1 *b0 = block0, *b1 = block1;
    return dot_nibbles(b0->qs, b1->qs);
}

DOT_KERNEL_AVX512_32(q4_1, avx512, DOT_MINIMA, 4);
