/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx2.h"
#include "kernels/glu.h"

static void f32_silu_mul_avx2(const struct glu_args *a)
{
    glu(a, glu_silu);
}

KERNEL(f32_silu_mul, avx2, .needs = VEC_NEEDS);
