/* q6_K_dot_neon.c - four bits and two, 16 signed scales; 32 is taken off. The tile and its layout: dot_k_neon.h. Counted:
 * 0.58 instructions a multiply-add of one column, 0.46 of two, 0.41 of four.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_k_neon.h"
#include "kernels/dot_smull.h"

DOT_KERNEL256(q6_K, neon, CPU_NEON, 7);
