/* q3_K_gemm_dotprod.c - two bits and a third from hmask, 16 signed scales; 4 is taken off. The tile and its layout:
 * gemm_dotprod.h. Measured: 0.120 instructions a multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_dotprod.h"

GEMM_KERNEL256(q3_K, dotprod, CPU_NEON | CPU_DOTPROD);
