/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"
#include "kernels/gemm_float.h"

static void f32_gemm_neon(const struct dot_args *a)
{
    gemm_float(a, sizeof(float), vf_load, vf_load_n);
}

KERNEL(f32_gemm, neon, .needs = VEC_NEEDS);
