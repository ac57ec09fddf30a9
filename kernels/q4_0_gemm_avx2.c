/* SPDX-License-Identifier: MIT */
#include "kernels/gemm_avx2.h"

GEMM_KERNEL_AVX2_32(q4_0, avx2, AVX2_LIFTED, 3, 8);
