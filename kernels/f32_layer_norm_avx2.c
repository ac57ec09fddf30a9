/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx2.h"
#include "kernels/layer_norm.h"

static void f32_layer_norm_avx2(const struct norm_args *a)
{
    layer_norm(a);
}

KERNEL(f32_layer_norm, avx2, .needs = VEC_NEEDS);
