/* q6_K_dot_avx2.c - 4 bits from ql and 2 from qh; 32 is taken off every code by way of bsums.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx2.h"

DOT_KERNEL_AVX2_256(q6_K, avx2, 5, 15);
