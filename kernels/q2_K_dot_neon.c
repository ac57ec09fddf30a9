/* q2_K_dot_neon.c - two bits, 16 scales and 16 minima. The tile and its layout: dot_k_neon.h. Measured: 0.55 instructions a
 * multiply-add (one column).
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_k_neon.h"
#include "kernels/dot_smull.h"

DOT_KERNEL256(q2_K, neon, CPU_NEON);
