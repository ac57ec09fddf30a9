/* q6_K_gemm_i8mm.c - four bits and two, 16 signed scales; 32 is taken off. The tile and its layout: gemm_i8mm.h. Measured:
 * 0.112 instructions a multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_i8mm.h"

GEMM_KERNEL256(q6_K, i8mm, CPU_NEON | CPU_DOTPROD | CPU_I8MM);
