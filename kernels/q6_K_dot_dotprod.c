/* q6_K_dot_dotprod.c - four bits and two, 16 signed scales; 32 is taken off. The tile and its layout: dot_k_neon.h. Counted:
 * 0.45 instructions a multiply-add of one column, 0.33 of two, 0.27 of four.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"
#include "kernels/dot_k_neon.h"

DOT_KERNEL256(q6_K, dotprod, CPU_NEON | CPU_DOTPROD, 3);
