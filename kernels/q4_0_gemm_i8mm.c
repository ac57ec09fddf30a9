/* SPDX-License-Identifier: MIT */
#include "kernels/gemm_i8mm.h"

GEMM_KERNEL32(q4_0, i8mm, CPU_NEON | CPU_DOTPROD | CPU_I8MM);
