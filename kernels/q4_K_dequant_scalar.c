/* q4_K_dequant_scalar.c - x[i] = (d * sc) * q[i] - (dmin * mn), each operation rounded.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/half.h"
#include "kernels/spec_type.h"

static void q4_K_dequant_scalar(const struct dequant_args *a)
{
    const struct block_q4_K *b = a->x;
    float *y = a->y;
    for (size_t k = 0; k < a->n; k += 256, b++, y += 256) {
        uint8_t q[256], sc[8], mn[8];
        float d = f16_to_f32(b->d), dmin = f16_to_f32(b->dmin);
        q4_K_get(b, q);
        q45_K_get_scales(b->scales, sc, mn);
        for (int i = 0; i < 256; i++) y[i] = d * (float)sc[i / 32] * (float)q[i] - dmin * (float)mn[i / 32];
    }
}

DEQUANT_SPEC(Q4_K, CONVERT_CASES_256);
KERNEL(q4_K_dequant, scalar, .exact = true, .spec = &spec);
