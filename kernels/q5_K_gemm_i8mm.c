/* q5_K_gemm_i8mm.c - nibbles and a fifth bit, 8 scales and 8 minima. The tile and its layout: gemm_i8mm.h. Measured: 0.111
 * instructions a multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_i8mm.h"

GEMM_KERNEL256(q5_K, i8mm, CPU_NEON | CPU_DOTPROD | CPU_I8MM);
