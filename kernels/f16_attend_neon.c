/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"

#include "kernels/attend_tiled.h"

static void f16_attend_neon(const struct attend_args *a)
{
    attend_tiled(a, 2 * a->d, attend_load_f16);
}

KERNEL(f16_attend, neon, .needs = VEC_NEEDS);
