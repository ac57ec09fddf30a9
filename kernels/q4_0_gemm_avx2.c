/* SPDX-License-Identifier: MIT */
#include "kernels/codes_avx2.h"
#include "kernels/gemm_avx2.h"

GEMM_KERNEL_AVX2_32(q4_0, AVX2_SIGNED5);
