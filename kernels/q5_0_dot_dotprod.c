/* q5_0_dot_dotprod.c - nibbles and a fifth bit as signed codes -16..15. The tile and its layout: dot_neon.h. Counted: 0.46
 * instructions a multiply-add of one column, 0.29 of two, 0.23 of four.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"

DOT_KERNEL32(q5_0, dotprod, CPU_NEON | CPU_DOTPROD, 5, dot_codes5);
