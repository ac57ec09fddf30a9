/* SPDX-License-Identifier: MIT */
#include "kernels/gemm_avx2.h"

GEMM_KERNEL_AVX2_256(q5_K, avx2, 32, 4, AVX2_MINIMA, GEMM_UNSIGNED_CODES);
