/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"
#include "kernels/rms_norm.h"

static void f32_rms_norm_neon(const struct norm_args *a)
{
    rms_norm(a);
}

KERNEL(f32_rms_norm, neon, .needs = VEC_NEEDS);
