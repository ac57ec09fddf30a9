/* bf16_dequant_scalar.c - the upper half of an f32: exact.
 * SPDX-License-Identifier: MIT */
#include "kernels/half.h"
#include "kernels/spec_type.h"

static void bf16_dequant_scalar(const struct dequant_args *a)
{
    for (size_t i = 0; i < a->n; i++) {
        uint16_t h;
        memcpy(&h, (const char *)a->x + i * sizeof h, sizeof h);
        a->y[i] = bf16_to_f32(h);
    }
}

DEQUANT_SPEC(BF16, CONVERT_CASES_1);
KERNEL(bf16_dequant, scalar, .exact = true, .spec = &spec);
