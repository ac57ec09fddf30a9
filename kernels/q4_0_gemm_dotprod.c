/* q4_0_gemm_dotprod.c - nibbles; 8 is taken off. The tile and its layout: gemm_dotprod.h. Measured: 0.125 instructions a
 * multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_dotprod.h"

GEMM_KERNEL32(q4_0, dotprod, CPU_NEON | CPU_DOTPROD);
