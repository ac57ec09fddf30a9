/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"
#include "kernels/elementwise.h"

static void f32_scale_neon(const struct vec_args *a)
{
    scale(a);
}

KERNEL(f32_scale, neon, .needs = VEC_NEEDS, .exact = true);
