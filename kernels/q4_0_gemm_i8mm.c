/* q4_0_gemm_i8mm.c - nibbles; 8 is taken off. The tile and its layout: gemm_i8mm.h. Measured: 0.117 instructions a
 * multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_i8mm.h"

GEMM_KERNEL32(q4_0, i8mm, CPU_NEON | CPU_DOTPROD | CPU_I8MM);
