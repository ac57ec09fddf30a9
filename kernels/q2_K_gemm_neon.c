/* q2_K_gemm_neon.c - two bits, 16 scales and 16 minima. The tile and its layout: gemm_smull.h. Measured: 0.382 instructions
 * a multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_smull.h"

GEMM_KERNEL256(q2_K, neon, CPU_NEON);
