/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"
#include "kernels/gelu.h"

static void f32_gelu_avx512(const struct vec_args *a)
{
    gelu(a, glu_gelu);
}

KERNEL(f32_gelu, avx512, .needs = VEC_NEEDS);
