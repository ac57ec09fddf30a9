/* q5_1_dot_dotprod.c - nibbles and a fifth bit; minima by the exact sums of activations. The tile and its layout:
 * dot_dotprod.h. Measured: 0.50 instructions a multiply-add (one column).
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"

DOT_KERNEL32(q5_1, dotprod, dot_sums5, CPU_NEON | CPU_DOTPROD);
