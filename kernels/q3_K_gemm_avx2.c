/* SPDX-License-Identifier: MIT */
#include "kernels/gemm_avx2.h"

GEMM_KERNEL_AVX2_256(q3_K, avx2, 16, 4, 2, GEMM_UNSIGNED_CODES);
