/* q8_0_dot_neon.c - codes of eight bits as they are. The tile and its layout: dot_neon.h. Counted: 0.33 instructions a
 * multiply-add of one column, 0.29 of two, 0.28 of four.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_smull.h"

DOT_KERNEL32(q8_0, neon, CPU_NEON, 15, dot_codes8);
