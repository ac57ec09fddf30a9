/* q3_K_gemm_neon.c - two bits and a third from hmask, 16 signed scales; 4 is taken off. The tile and its layout:
 * gemm_smull.h. Measured: 0.354 instructions a multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_smull.h"

GEMM_KERNEL256(q3_K, neon, CPU_NEON);
