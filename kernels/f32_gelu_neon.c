/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"
#include "kernels/gelu.h"

static void f32_gelu_neon(const struct vec_args *a)
{
    gelu(a, glu_gelu);
}

KERNEL(f32_gelu, neon, .needs = VEC_NEEDS);
