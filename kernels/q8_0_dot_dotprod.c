/* q8_0_dot_dotprod.c - codes of eight bits as they are. The tile and its layout: dot_neon.h. Counted: 0.21 instructions a
 * multiply-add of one column, 0.17 of two, 0.16 of four.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"

DOT_KERNEL32(q8_0, dotprod, CPU_NEON | CPU_DOTPROD, 7, dot_codes8);
