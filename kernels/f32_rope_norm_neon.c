/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"
#include "kernels/rope.h"

static void f32_rope_norm_neon(const struct rope_args *a)
{
    rope_norm(a);
}

KERNEL(f32_rope_norm, neon, .needs = VEC_NEEDS, .exact = true);
