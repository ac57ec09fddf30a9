/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx2.h"
#include "kernels/find_above.h"

static void f32_find_above_avx2(const struct find_args *a)
{
    *a->y = find_above(a->x, a->s, a->n);
}

KERNEL(f32_find_above, avx2, .needs = VEC_NEEDS, .exact = true);
