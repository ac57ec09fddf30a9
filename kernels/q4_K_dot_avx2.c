/* q4_K_dot_avx2.c - nibbles, eight scales and eight minima.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx2.h"

DOT_KERNEL_AVX2_256(q4_K, avx2, AVX2_MINIMA, 12);
