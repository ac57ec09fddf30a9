/* q2_K_dot_neon.c - two bits, 16 scales and 16 minima. The tile and its layout: dot_k_neon.h. Counted: 0.50 instructions a
 * multiply-add of one column, 0.42 of two, 0.38 of four.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_k_neon.h"
#include "kernels/dot_smull.h"

DOT_KERNEL256(q2_K, neon, CPU_NEON, 15);
