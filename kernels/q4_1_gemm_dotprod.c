/* q4_1_gemm_dotprod.c - nibbles; minima by the exact sums of activations. The tile and its layout: gemm_dotprod.h.
 * Measured: 0.149 instructions a multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_dotprod.h"

GEMM_KERNEL32(q4_1, dotprod, CPU_NEON | CPU_DOTPROD);
