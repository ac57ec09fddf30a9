/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"
#include "kernels/layer_norm.h"

static void f32_layer_norm_neon(const struct norm_args *a)
{
    layer_norm(a);
}

KERNEL(f32_layer_norm, neon, .needs = VEC_NEEDS);
