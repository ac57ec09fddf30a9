/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx2.h"
#include "kernels/softmax.h"

static void f32_softmax_avx2(const struct vec_args *a)
{
    softmax(a);
}

KERNEL(f32_softmax, avx2, .needs = VEC_NEEDS);
