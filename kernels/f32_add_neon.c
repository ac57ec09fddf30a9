/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"
#include "kernels/elementwise.h"

static void f32_add_neon(const struct vec_args *a)
{
    add(a);
}

KERNEL(f32_add, neon, .needs = VEC_NEEDS, .exact = true);
