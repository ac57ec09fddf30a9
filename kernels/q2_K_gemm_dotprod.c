/* q2_K_gemm_dotprod.c - two bits, 16 scales and 16 minima. The tile and its layout: gemm_dotprod.h. Measured: 0.157
 * instructions a multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_dotprod.h"

GEMM_KERNEL256(q2_K, dotprod, CPU_NEON | CPU_DOTPROD);
