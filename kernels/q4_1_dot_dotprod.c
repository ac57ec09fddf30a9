/* q4_1_dot_dotprod.c - nibbles; minima by the exact sums of activations. The tile and its layout: dot_dotprod.h. Measured:
 * 0.36 instructions a multiply-add (one column).
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"

DOT_KERNEL32(q4_1, dotprod, dot_sums4, CPU_NEON | CPU_DOTPROD);
