/* q5_K_gemm_dotprod.c - nibbles and a fifth bit, 8 scales and 8 minima. The tile and its layout: gemm_dotprod.h. Measured:
 * 0.122 instructions a multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_dotprod.h"

GEMM_KERNEL256(q5_K, dotprod, CPU_NEON | CPU_DOTPROD);
