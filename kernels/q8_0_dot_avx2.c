/* q8_0_dot_avx2.c - signed codes as they are.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx2.h"

DOT_KERNEL_AVX2_32(q8_0, avx2, AVX2_SIGNED8, 0, 10);
