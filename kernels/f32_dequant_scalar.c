/* f32_dequant_scalar.c - y = x. Weights may stand at any address, so they are copied by byte.
 * SPDX-License-Identifier: MIT */
#include "kernels/spec_type.h"

static void f32_dequant_scalar(const struct dequant_args *a)
{
    if (a->n) memcpy(a->y, a->x, a->n * sizeof *a->y);
}

DEQUANT_SPEC(F32, CONVERT_CASES_1);
KERNEL(f32_dequant, scalar, .exact = true, .spec = &spec);
