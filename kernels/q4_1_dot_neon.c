/* q4_1_dot_neon.c - nibbles; minima by the exact sums of activations. The tile and its layout: dot_smull.h. Measured: 0.54
 * instructions a multiply-add (one column).
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_smull.h"

DOT_KERNEL32(q4_1, neon, dot_sums4, CPU_NEON);
