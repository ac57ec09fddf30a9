/* f32_quant_scalar.c - y = x.
 * SPDX-License-Identifier: MIT */
#include "kernels/spec_type.h"

static void f32_quant_scalar(const struct quant_args *a)
{
    if (a->n) memcpy(a->y, a->x, a->n * sizeof *a->x);
}

QUANT_SPEC(F32, CONVERT_CASES_1);
KERNEL(f32_quant, scalar, .exact = true, .spec = &spec);
