/* q6_K_dequant_scalar.c - x[i] = (d * sc) * (q[i] - 32), each operation rounded.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/half.h"
#include "kernels/spec_type.h"

static void q6_K_dequant_scalar(const struct dequant_args *a)
{
    const struct block_q6_K *b = a->x;
    float *y = a->y;
    for (size_t k = 0; k < a->n; k += 256, b++, y += 256) {
        uint8_t q[256];
        float d = f16_to_f32(b->d);
        q6_K_get(b, q);
        for (int i = 0; i < 256; i++) y[i] = d * (float)b->scales[i / 16] * (float)(q[i] - 32);
    }
}

DEQUANT_SPEC(Q6_K, CONVERT_CASES_256);
KERNEL(q6_K_dequant, scalar, .exact = true, .spec = &spec);
