/* q5_0_dot_neon.c - nibbles and a fifth bit as signed codes -16..15. The tile and its layout: dot_smull.h. Measured: 0.82
 * instructions a multiply-add (one column).
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_smull.h"

DOT_KERNEL32(q5_0, neon, dot_sums5, CPU_NEON);
