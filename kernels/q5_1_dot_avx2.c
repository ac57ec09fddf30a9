/* q5_1_dot_avx2.c - nibbles and a fifth bit; m times the activation block's sum is added up apart.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx2.h"

DOT_KERNEL_AVX2_32(q5_1, avx2, AVX2_MINIMUM, 0, 6);
