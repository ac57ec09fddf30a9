/* q4_0_dot_dotprod.c - nibbles; 8 is taken off. The tile and its layout: dot_neon.h. Counted: 0.28 instructions a
 * multiply-add of one column, 0.21 of two, 0.21 of four.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"

DOT_KERNEL32(q4_0, dotprod, CPU_NEON | CPU_DOTPROD, 3, dot_codes4);
