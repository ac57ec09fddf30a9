/* q5_1_gemm_neon.c - nibbles and a fifth bit; minima by the exact sums of activations. The tile and its layout:
 * gemm_smull.h. Measured: 0.370 instructions a multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_smull.h"

GEMM_KERNEL32(q5_1, neon, CPU_NEON);
