/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"
#include "kernels/rope.h"

static void f32_rope_neox_avx512(const struct rope_args *a)
{
    rope_neox(a);
}

KERNEL(f32_rope_neox, avx512, .needs = VEC_NEEDS, .exact = true);
