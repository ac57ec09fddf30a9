/* q5_K_dot_dotprod.c - nibbles and a fifth bit, 8 scales and 8 minima. The tile and its layout: dot_k_neon.h. Counted: 0.40
 * instructions a multiply-add of one column, 0.27 of two, 0.20 of four.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"
#include "kernels/dot_k_neon.h"

DOT_KERNEL256(q5_K, dotprod, CPU_NEON | CPU_DOTPROD, 6);
