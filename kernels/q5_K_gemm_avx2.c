/* SPDX-License-Identifier: MIT */
#include "kernels/gemm_avx2.h"

GEMM_KERNEL_AVX2_256(q5_K, 32, 4, AVX2_MINIMA);
