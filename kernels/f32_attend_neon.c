/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"

#include "kernels/attend_tiled.h"

static void f32_attend_neon(const struct attend_args *a)
{
    attend_tiled(a, 4 * a->d, attend_load_f32);
}

KERNEL(f32_attend, neon, .needs = VEC_NEEDS);
