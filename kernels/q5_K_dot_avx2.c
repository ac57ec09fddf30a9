/* q5_K_dot_avx2.c - q4_K with a fifth bit from qh.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_avx2.h"

DOT_KERNEL_AVX2_256(q5_K, avx2, AVX2_MINIMA, 12);
