/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"
#include "kernels/gemm_float.h"

static void f32_gemm_avx512(const struct dot_args *a)
{
    gemm_float(a, sizeof(float), vf_load, vf_load_n);
}

KERNEL(f32_gemm, avx512, .needs = VEC_NEEDS);
