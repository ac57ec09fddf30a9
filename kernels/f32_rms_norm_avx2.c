/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx2.h"
#include "kernels/rms_norm.h"

static void f32_rms_norm_avx2(const struct norm_args *a)
{
    rms_norm(a);
}

KERNEL(f32_rms_norm, avx2, .needs = VEC_NEEDS);
