/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"

#define ATTEND_TYPE TYPE_Q8_0
#include "kernels/attend_tiled.h"

static void q8_0_attend_neon(const struct attend_args *a)
{
    attend_tiled(a);
}

KERNEL(q8_0_attend, neon, .needs = VEC_NEEDS, .strip = ATTEND_WIDTH);
