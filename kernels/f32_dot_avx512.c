/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"
#include "kernels/dot_float.h"

static void f32_dot_avx512(const struct dot_args *a)
{
    dot_float(a, sizeof(float), vf_load, vf_load_n);
}

KERNEL(f32_dot, avx512, .needs = VEC_NEEDS);
