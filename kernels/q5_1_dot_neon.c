/* q5_1_dot_neon.c - nibbles and a fifth bit; minima by the exact sums of activations. The tile and its layout: dot_neon.h.
 * Counted: 0.66 instructions a multiply-add of one column, 0.48 of two, 0.44 of four.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_smull.h"

DOT_KERNEL32(q5_1, neon, CPU_NEON, 7, dot_codes5);
