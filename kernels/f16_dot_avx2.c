/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx2.h"
#include "kernels/dot_float.h"

static void f16_dot_avx2(const struct dot_args *a)
{
    dot_float(a, sizeof(uint16_t), vf_load_f16, vf_load_f16_n);
}

KERNEL(f16_dot, avx2, .needs = VEC_NEEDS);
