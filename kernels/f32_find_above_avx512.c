/* SPDX-License-Identifier: MIT */
#include "kernels/vec_avx512.h"
#include "kernels/find_above.h"

static void f32_find_above_avx512(const struct find_args *a)
{
    *a->y = find_above(a->x, a->s, a->n);
}

KERNEL(f32_find_above, avx512, .needs = VEC_NEEDS, .exact = true);
