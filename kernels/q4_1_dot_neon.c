/* q4_1_dot_neon.c - nibbles; minima by the exact sums of activations. The tile and its layout: dot_neon.h. Counted: 0.45
 * instructions a multiply-add of one column, 0.36 of two, 0.36 of four.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_smull.h"

DOT_KERNEL32(q4_1, neon, CPU_NEON, 15, dot_codes4);
