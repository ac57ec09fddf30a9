/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"

#include "kernels/attend_tiled.h"

static void q8_0_attend_neon(const struct attend_args *a)
{
    attend_tiled(a, a->d / 32 * sizeof(struct block_q8_0), attend_load_q8_0);
}

KERNEL(q8_0_attend, neon, .needs = VEC_NEEDS);
