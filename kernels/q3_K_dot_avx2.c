/* q3_K_dot_avx2.c - the third bit comes from hmask, and 4 is taken off every code by way of bsums.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx2.h"

DOT_KERNEL_AVX2_256(q3_K, avx2, 2, 10);
