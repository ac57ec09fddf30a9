/* SPDX-License-Identifier: MIT */
#include "kernels/gemm_dotprod.h"

GEMM_KERNEL256(q2_K, dotprod, CPU_NEON | CPU_DOTPROD);
