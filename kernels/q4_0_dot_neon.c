/* q4_0_dot_neon.c - nibbles; 8 is taken off. The tile and its layout: dot_smull.h. Measured: 0.50 instructions a
 * multiply-add (one column).
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_smull.h"

DOT_KERNEL32(q4_0, neon, dot_sums4, CPU_NEON);
