/* SPDX-License-Identifier: MIT */
#include "kernels/vec_neon.h"
#include "kernels/find_above.h"

static void f32_find_above_neon(const struct find_args *a)
{
    *a->y = find_above(a->x, a->s, a->n);
}

KERNEL(f32_find_above, neon, .needs = VEC_NEEDS, .exact = true);
