/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"
#include "kernels/gemm_float.h"

static void bf16_gemm_avx512(const struct dot_args *a)
{
    gemm_float(a, sizeof(uint16_t), vf_load_bf16, vf_load_bf16_n);
}

KERNEL(bf16_gemm, avx512, .needs = VEC_NEEDS);
