/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"
#include "kernels/gemm_float.h"

static void bf16_gemm_neon(const struct dot_args *a)
{
    gemm_float(a, sizeof(uint16_t), vf_load_bf16, vf_load_bf16_n);
}

KERNEL(bf16_gemm, neon, .needs = VEC_NEEDS);
