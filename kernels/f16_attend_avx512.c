/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"

#include "kernels/attend_tiled.h"

static void f16_attend_avx512(const struct attend_args *a)
{
    attend_tiled(a, 2 * a->d, attend_load_f16);
}

KERNEL(f16_attend, avx512, .needs = VEC_NEEDS);
