/* q4_K_gemm_dotprod.c - nibbles, 8 scales and 8 minima. The tile and its layout: gemm_dotprod.h. Measured: 0.121
 * instructions a multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_dotprod.h"

GEMM_KERNEL256(q4_K, dotprod, CPU_NEON | CPU_DOTPROD);
