/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"
#include "kernels/dot_float.h"

static void f32_dot_neon(const struct dot_args *a)
{
    dot_float(a, sizeof(float), vf_load, vf_load_n);
}

KERNEL(f32_dot, neon, .needs = VEC_NEEDS);
