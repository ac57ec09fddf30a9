/* bf16_quant_scalar.c - round to nearest, ties to even (half.h). Importance changes nothing.
 * SPDX-License-Identifier: MIT */
#include "kernels/half.h"
#include "kernels/spec_type.h"

static void bf16_quant_scalar(const struct quant_args *a)
{
    for (size_t i = 0; i < a->n; i++) {
        uint16_t h = bf16_from_f32(a->x[i]);
        memcpy((char *)a->y + i * sizeof h, &h, sizeof h);
    }
}

QUANT_SPEC(BF16, CONVERT_CASES_1);
KERNEL(bf16_quant, scalar, .exact = true, .spec = &spec);
