/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"
#include "kernels/glu.h"

static void f32_gelu_mul_avx512(const struct glu_args *a)
{
    glu(a, glu_gelu);
}

KERNEL(f32_gelu_mul, avx512, .needs = VEC_NEEDS);
