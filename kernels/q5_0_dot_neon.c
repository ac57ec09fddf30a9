/* q5_0_dot_neon.c - nibbles and a fifth bit as signed codes -16..15. The tile and its layout: dot_neon.h. Counted: 0.58
 * instructions a multiply-add of one column, 0.42 of two, 0.36 of four.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_smull.h"

DOT_KERNEL32(q5_0, neon, CPU_NEON, 11, dot_codes5);
