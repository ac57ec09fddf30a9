/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx2.h"
#include "kernels/axpy.h"

static void f32_axpy_avx2(const struct axpy_args *a)
{
    axpy(a);
}

KERNEL(f32_axpy, avx2, .needs = VEC_NEEDS);
