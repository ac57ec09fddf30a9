/* q2_K_dot_dotprod.c - two bits, 16 scales and 16 minima. The tile and its layout: dot_k_neon.h. Counted: 0.38 instructions a
 * multiply-add of one column, 0.29 of two, 0.24 of four.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"
#include "kernels/dot_k_neon.h"

DOT_KERNEL256(q2_K, dotprod, CPU_NEON | CPU_DOTPROD, 6);
