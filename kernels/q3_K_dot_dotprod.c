/* q3_K_dot_dotprod.c - two bits and a third from hmask, 16 signed scales; 4 is taken off. The tile and its layout:
 * dot_k_neon.h. Measured: 0.64 instructions a multiply-add (one column).
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"
#include "kernels/dot_k_neon.h"

DOT_KERNEL256(q3_K, dotprod, CPU_NEON | CPU_DOTPROD);
