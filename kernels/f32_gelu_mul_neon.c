/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"
#include "kernels/glu.h"

static void f32_gelu_mul_neon(const struct glu_args *a)
{
    glu(a, glu_gelu);
}

KERNEL(f32_gelu_mul, neon, .needs = VEC_NEEDS);
