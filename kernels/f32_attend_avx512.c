/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"

#define ATTEND_TYPE TYPE_F32
#include "kernels/attend_tiled.h"

static void f32_attend_avx512(const struct attend_args *a)
{
    attend_tiled(a);
}

KERNEL(f32_attend, avx512, .needs = VEC_NEEDS, .strip = ATTEND_WIDTH);
