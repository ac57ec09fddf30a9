/* SPDX-License-Identifier: MIT */
#include "kernels/gemm_avx2.h"

GEMM_KERNEL_AVX2_256(q6_K, 16, 2, 5);
