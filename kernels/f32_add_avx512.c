/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"
#include "kernels/elementwise.h"

static void f32_add_avx512(const struct vec_args *a)
{
    add(a);
}

KERNEL(f32_add, avx512, .needs = VEC_NEEDS, .exact = true);
