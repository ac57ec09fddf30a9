/* q5_0_gemm_neon.c - nibbles and a fifth bit as signed codes -16..15. The tile and its layout: gemm_smull.h. Measured:
 * 0.335 instructions a multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_smull.h"

GEMM_KERNEL32(q5_0, neon, CPU_NEON);
