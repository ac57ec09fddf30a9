/* q4_0_dot_dotprod.c - nibbles; 8 is taken off. The tile and its layout: dot_dotprod.h. Measured: 0.31 instructions a
 * multiply-add (one column).
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"

DOT_KERNEL32(q4_0, dotprod, dot_sums4, CPU_NEON | CPU_DOTPROD);
