/* q3_K_dot_neon.c - two bits and a third from hmask, 16 signed scales; codes come signed. The tile and its layout: dot_k_neon.h.
 * Counted: 0.68 instructions a multiply-add of one column, 0.50 of two, 0.41 of four.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_k_neon.h"
#include "kernels/dot_smull.h"

DOT_KERNEL256(q3_K, neon, CPU_NEON, 11);
