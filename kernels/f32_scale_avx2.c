/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx2.h"
#include "kernels/elementwise.h"

static void f32_scale_avx2(const struct vec_args *a)
{
    scale(a);
}

KERNEL(f32_scale, avx2, .needs = VEC_NEEDS, .exact = true);
