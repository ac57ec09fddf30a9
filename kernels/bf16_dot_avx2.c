/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx2.h"
#include "kernels/dot_float.h"

static void bf16_dot_avx2(const struct dot_args *a)
{
    dot_float(a, sizeof(uint16_t), vf_load_bf16, vf_load_bf16_n);
}

KERNEL(bf16_dot, avx2, .needs = VEC_NEEDS);
