/* q6_K_gemm_neon.c - four bits and two, 16 signed scales; 32 is taken off. The tile and its layout: gemm_smull.h. Measured:
 * 0.354 instructions a multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_smull.h"

GEMM_KERNEL256(q6_K, neon, CPU_NEON);
