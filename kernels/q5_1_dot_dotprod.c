/* q5_1_dot_dotprod.c - nibbles and a fifth bit; minima by the exact sums of activations. The tile and its layout:
 * dot_dotprod.h. Counted: 0.53 instructions a multiply-add of one column, 0.35 of two, 0.31 of four.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"

DOT_KERNEL32(q5_1, dotprod, CPU_NEON | CPU_DOTPROD, 5, dot_codes5);
