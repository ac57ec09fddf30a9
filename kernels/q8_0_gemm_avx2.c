/* SPDX-License-Identifier: MIT */
#include "kernels/gemm_avx2.h"

GEMM_KERNEL_AVX2_32_8BITS(q8_0, avx2);
