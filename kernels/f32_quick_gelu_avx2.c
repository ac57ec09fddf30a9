/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx2.h"
#include "kernels/gelu.h"

static void f32_quick_gelu_avx2(const struct vec_args *a)
{
    gelu(a, gelu_quick);
}

KERNEL(f32_quick_gelu, avx2, .needs = VEC_NEEDS);
