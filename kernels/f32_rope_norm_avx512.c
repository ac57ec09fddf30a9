/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"
#include "kernels/rope.h"

static void f32_rope_norm_avx512(const struct rope_args *a)
{
    rope_norm(a);
}

KERNEL(f32_rope_norm, avx512, .needs = VEC_NEEDS, .exact = true);
