/* q8_0_dot_dotprod.c - codes of eight bits as they are. The tile and its layout: dot_dotprod.h. Measured: 0.27 instructions
 * a multiply-add (one column).
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"

DOT_KERNEL32(q8_0, dotprod, dot_sums8, CPU_NEON | CPU_DOTPROD);
