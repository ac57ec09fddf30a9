/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"
#include "kernels/axpy.h"

static void f32_axpy_avx512(const struct axpy_args *a)
{
    axpy(a);
}

KERNEL(f32_axpy, avx512, .needs = VEC_NEEDS);
