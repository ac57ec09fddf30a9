/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"

#include "kernels/attend_tiled.h"

static void f32_attend_avx512(const struct attend_args *a)
{
    attend_tiled(a, 4 * a->d, attend_load_f32);
}

KERNEL(f32_attend, avx512, .needs = VEC_NEEDS);
