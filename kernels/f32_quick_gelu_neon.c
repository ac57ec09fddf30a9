/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"
#include "kernels/gelu.h"

static void f32_quick_gelu_neon(const struct vec_args *a)
{
    gelu(a, gelu_quick);
}

KERNEL(f32_quick_gelu, neon, .needs = VEC_NEEDS);
