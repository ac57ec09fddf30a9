/* q3_K_dot_dotprod.c - two bits and a third from hmask, 16 signed scales; codes come signed. The tile and its layout:
 * dot_k_neon.h. Counted: 0.54 instructions a multiply-add of one column, 0.35 of two, 0.27 of four.
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"
#include "kernels/dot_k_neon.h"

DOT_KERNEL256(q3_K, dotprod, CPU_NEON | CPU_DOTPROD, 5);
