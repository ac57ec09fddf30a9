/* q5_0_dequant_scalar.c - x[i] = d * (q[i] - 16).
 * SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/half.h"
#include "kernels/spec_type.h"

static void q5_0_dequant_scalar(const struct dequant_args *a)
{
    const struct block_q5_0 *b = a->x;
    float *y = a->y;
    for (size_t k = 0; k < a->n; k += 32, b++, y += 32) {
        uint8_t q[32];
        float d = f16_to_f32(b->d);
        codes5_get(b->qs, b->qh, q);
        for (int i = 0; i < 32; i++) y[i] = (float)(q[i] - 16) * d;
    }
}

DEQUANT_SPEC(Q5_0, CONVERT_CASES_32);
KERNEL(q5_0_dequant, scalar, .exact = true, .spec = &spec);
