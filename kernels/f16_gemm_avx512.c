/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"
#include "kernels/gemm_float.h"

static void f16_gemm_avx512(const struct dot_args *a)
{
    gemm_float(a, sizeof(uint16_t), vf_load_f16, vf_load_f16_n);
}

KERNEL(f16_gemm, avx512, .needs = VEC_NEEDS);
