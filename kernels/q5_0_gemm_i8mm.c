/* q5_0_gemm_i8mm.c - nibbles and a fifth bit as signed codes -16..15. The tile and its layout: gemm_i8mm.h. Measured: 0.118
 * instructions a multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_i8mm.h"

GEMM_KERNEL32(q5_0, i8mm, CPU_NEON | CPU_DOTPROD | CPU_I8MM);
