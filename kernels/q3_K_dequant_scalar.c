/* q3_K_dequant_scalar.c - x[i] = (d * sc) * (q[i] - 4), each operation rounded.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/half.h"
#include "kernels/spec_type.h"

static void q3_K_dequant_scalar(const struct dequant_args *a)
{
    const struct block_q3_K *b = a->x;
    float *y = a->y;
    for (size_t k = 0; k < a->n; k += 256, b++, y += 256) {
        uint8_t q[256];
        int8_t sc[16];
        float d = f16_to_f32(b->d);
        q3_K_get(b, q);
        q3_K_get_scales(b->scales, sc);
        for (int i = 0; i < 256; i++) y[i] = d * (float)sc[i / 16] * (float)(q[i] - 4);
    }
}

DEQUANT_SPEC(Q3_K, CONVERT_CASES_256);
KERNEL(q3_K_dequant, scalar, .exact = true, .spec = &spec);
