/* q5_0_dot_avx2.c - nibbles and a fifth bit, minus 16, as signed codes.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx2.h"

DOT_KERNEL_AVX2_32(q5_0, avx2, AVX2_LIFTED, 4, 8);
