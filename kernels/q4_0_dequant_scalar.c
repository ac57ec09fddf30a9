/* q4_0_dequant_scalar.c - x[i] = d * (q[i] - 8).
 * SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/half.h"
#include "kernels/spec_type.h"

static void q4_0_dequant_scalar(const struct dequant_args *a)
{
    const struct block_q4_0 *b = a->x;
    float *y = a->y;
    for (size_t k = 0; k < a->n; k += 32, b++, y += 32) {
        uint8_t q[32];
        float d = f16_to_f32(b->d);
        codes4_get(b->qs, q);
        for (int i = 0; i < 32; i++) y[i] = (float)(q[i] - 8) * d;
    }
}

DEQUANT_SPEC(Q4_0, CONVERT_CASES_32);
KERNEL(q4_0_dequant, scalar, .exact = true, .spec = &spec);
