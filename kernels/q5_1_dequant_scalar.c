/* q5_1_dequant_scalar.c - x[i] = d * q[i] + m, rounded after the product and after the sum.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/half.h"
#include "kernels/spec_type.h"

static void q5_1_dequant_scalar(const struct dequant_args *a)
{
    const struct block_q5_1 *b = a->x;
    float *y = a->y;
    for (size_t k = 0; k < a->n; k += 32, b++, y += 32) {
        uint8_t q[32];
        float d = f16_to_f32(b->d), m = f16_to_f32(b->m);
        codes5_get(b->qs, b->qh, q);
        for (int i = 0; i < 32; i++) y[i] = (float)q[i] * d + m;
    }
}

DEQUANT_SPEC(Q5_1, CONVERT_CASES_32);
KERNEL(q5_1_dequant, scalar, .exact = true, .spec = &spec);
