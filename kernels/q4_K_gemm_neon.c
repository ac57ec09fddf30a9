/* q4_K_gemm_neon.c - nibbles, 8 scales and 8 minima. The tile and its layout: gemm_smull.h. Measured: 0.341 instructions a
 * multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_smull.h"

GEMM_KERNEL256(q4_K, neon, CPU_NEON);
