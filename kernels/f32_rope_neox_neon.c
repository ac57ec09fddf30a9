/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"
#include "kernels/rope.h"

static void f32_rope_neox_neon(const struct rope_args *a)
{
    rope_neox(a);
}

KERNEL(f32_rope_neox, neon, .needs = VEC_NEEDS, .exact = true);
