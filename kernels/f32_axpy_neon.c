/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"
#include "kernels/axpy.h"

static void f32_axpy_neon(const struct axpy_args *a)
{
    axpy(a);
}

KERNEL(f32_axpy, neon, .needs = VEC_NEEDS);
