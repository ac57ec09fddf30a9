/* q2_K_dot_avx2.c - sixteen scales and sixteen minima of 4 bits; codes two bits up in each of four passes over 32 bytes.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx2.h"

DOT_KERNEL_AVX2_256(q2_K, avx2, AVX2_MINIMA, 10);
