/* SPDX-License-Identifier: MIT */
#include "kernels/gemm_i8mm.h"

GEMM_KERNEL256(q2_K, i8mm, CPU_NEON | CPU_DOTPROD | CPU_I8MM);
