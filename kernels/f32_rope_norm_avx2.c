/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx2.h"
#include "kernels/rope.h"

static void f32_rope_norm_avx2(const struct rope_args *a)
{
    rope_norm(a);
}

KERNEL(f32_rope_norm, avx2, .needs = VEC_NEEDS, .exact = true);
