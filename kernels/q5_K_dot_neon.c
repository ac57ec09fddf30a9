/* q5_K_dot_neon.c - nibbles and a fifth bit, 8 scales and 8 minima. The tile and its layout: dot_k_neon.h. Counted: 0.53
 * instructions a multiply-add of one column, 0.40 of two, 0.33 of four.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_k_neon.h"
#include "kernels/dot_smull.h"

DOT_KERNEL256(q5_K, neon, CPU_NEON, 15);
