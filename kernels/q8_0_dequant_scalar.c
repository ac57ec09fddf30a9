/* q8_0_dequant_scalar.c - x[i] = d * q[i].
 * SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/half.h"
#include "kernels/spec_type.h"

static void q8_0_dequant_scalar(const struct dequant_args *a)
{
    const struct block_q8_0 *b = a->x;
    float *y = a->y;
    for (size_t k = 0; k < a->n; k += 32, b++, y += 32) {
        float d = f16_to_f32(b->d);
        for (int i = 0; i < 32; i++) y[i] = (float)b->qs[i] * d;
    }
}

DEQUANT_SPEC(Q8_0, CONVERT_CASES_32);
KERNEL(q8_0_dequant, scalar, .exact = true, .spec = &spec);
