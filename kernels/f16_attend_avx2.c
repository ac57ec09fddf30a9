/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx2.h"

#define ATTEND_TYPE TYPE_F16
#include "kernels/attend_tiled.h"

static void f16_attend_avx2(const struct attend_args *a)
{
    attend_tiled(a);
}

KERNEL(f16_attend, avx2, .needs = VEC_NEEDS, .strip = ATTEND_WIDTH);
