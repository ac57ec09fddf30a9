/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx2.h"
#include "kernels/elementwise.h"

static void f32_add_avx2(const struct vec_args *a)
{
    add(a);
}

KERNEL(f32_add, avx2, .needs = VEC_NEEDS, .exact = true);
