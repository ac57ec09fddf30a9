/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx2.h"
#include "kernels/gemm_float.h"

static void f32_gemm_avx2(const struct dot_args *a)
{
    gemm_float(a, sizeof(float), vf_load, vf_load_n);
}

KERNEL(f32_gemm, avx2, .needs = VEC_NEEDS);
