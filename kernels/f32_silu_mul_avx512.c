/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"
#include "kernels/glu.h"

static void f32_silu_mul_avx512(const struct glu_args *a)
{
    glu(a, glu_silu);
}

KERNEL(f32_silu_mul, avx512, .needs = VEC_NEEDS);
