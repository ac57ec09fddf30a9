/* q6_K_dot_dotprod.c - four bits and two, 16 signed scales; 32 is taken off. The tile and its layout: dot_k_neon.h.
 * Measured: 0.50 instructions a multiply-add (one column).
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"
#include "kernels/dot_k_neon.h"

DOT_KERNEL256(q6_K, dotprod, CPU_NEON | CPU_DOTPROD);
