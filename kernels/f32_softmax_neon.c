/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"
#include "kernels/softmax.h"

static void f32_softmax_neon(const struct vec_args *a)
{
    softmax(a);
}

KERNEL(f32_softmax, neon, .needs = VEC_NEEDS);
