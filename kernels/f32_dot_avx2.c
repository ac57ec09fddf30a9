/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx2.h"
#include "kernels/dot_float.h"

static void f32_dot_avx2(const struct dot_args *a)
{
    dot_float(a, sizeof(float), vf_load, vf_load_n);
}

KERNEL(f32_dot, avx2, .needs = VEC_NEEDS);
