/* SPDX-License-Identifier: MIT */
#include "kernels/gemm_smull.h"

GEMM_KERNEL32(q5_0, neon, CPU_NEON);
