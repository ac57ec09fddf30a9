/* q4_0_dot_neon.c - nibbles; 8 is taken off. The tile and its layout: dot_neon.h. Counted: 0.41 instructions a multiply-add
 * of one column, 0.34 of two, 0.34 of four.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_smull.h"

DOT_KERNEL32(q4_0, neon, CPU_NEON, 11, dot_codes4);
