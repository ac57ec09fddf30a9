/* q3_K_dot_neon.c - two bits and a third from hmask, 16 signed scales; 4 is taken off. The tile and its layout:
 * dot_k_neon.h. Measured: 0.80 instructions a multiply-add (one column).
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_k_neon.h"
#include "kernels/dot_smull.h"

DOT_KERNEL256(q3_K, neon, CPU_NEON);
