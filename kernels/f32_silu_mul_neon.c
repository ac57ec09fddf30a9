/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"
#include "kernels/glu.h"

static void f32_silu_mul_neon(const struct glu_args *a)
{
    glu(a, glu_silu);
}

KERNEL(f32_silu_mul, neon, .needs = VEC_NEEDS);
