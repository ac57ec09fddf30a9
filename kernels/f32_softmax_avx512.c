/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"
#include "kernels/softmax.h"

static void f32_softmax_avx512(const struct vec_args *a)
{
    softmax(a);
}

KERNEL(f32_softmax, avx512, .needs = VEC_NEEDS);
