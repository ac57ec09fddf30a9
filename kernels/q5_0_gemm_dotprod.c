/* SPDX-License-Identifier: MIT */
#include "kernels/gemm_dotprod.h"

GEMM_KERNEL32(q5_0, dotprod, CPU_NEON | CPU_DOTPROD);
