/* q4_0_dot_avx2.c - nibbles minus 8, as signed codes.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx2.h"

DOT_KERNEL_AVX2_32(q4_0, avx2, AVX2_LIFTED, 3, 8);
