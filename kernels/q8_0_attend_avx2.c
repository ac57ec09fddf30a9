/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx2.h"

#include "kernels/attend_tiled.h"

static void q8_0_attend_avx2(const struct attend_args *a)
{
    attend_tiled(a, a->d / 32 * sizeof(struct block_q8_0), attend_load_q8_0);
}

KERNEL(q8_0_attend, avx2, .needs = VEC_NEEDS);
