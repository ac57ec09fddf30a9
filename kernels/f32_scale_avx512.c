/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"
#include "kernels/elementwise.h"

static void f32_scale_avx512(const struct vec_args *a)
{
    scale(a);
}

KERNEL(f32_scale, avx512, .needs = VEC_NEEDS, .exact = true);
