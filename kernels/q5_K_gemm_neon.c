/* q5_K_gemm_neon.c - nibbles and a fifth bit, 8 scales and 8 minima. The tile and its layout: gemm_smull.h. Measured: 0.342
 * instructions a multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_smull.h"

GEMM_KERNEL256(q5_K, neon, CPU_NEON);
