/* q4_1_dot_dotprod.c - nibbles; minima by the exact sums of activations. The tile and its layout: dot_neon.h. Counted:
 * 0.33 instructions a multiply-add of one column, 0.24 of two, 0.23 of four.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"

DOT_KERNEL32(q4_1, dotprod, CPU_NEON | CPU_DOTPROD, 6, dot_codes4);
