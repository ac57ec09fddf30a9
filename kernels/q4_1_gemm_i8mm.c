/* q4_1_gemm_i8mm.c - nibbles; minima by the exact sums of activations. The tile and its layout: gemm_i8mm.h. Measured:
 * 0.142 instructions a multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_i8mm.h"

GEMM_KERNEL32(q4_1, i8mm, CPU_NEON | CPU_DOTPROD | CPU_I8MM);
