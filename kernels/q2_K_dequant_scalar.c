/* q2_K_dequant_scalar.c - x[i] = (d * sc) * q[i] - (dmin * mn), each operation rounded.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/half.h"
#include "kernels/spec_type.h"

static void q2_K_dequant_scalar(const struct dequant_args *a)
{
    const struct block_q2_K *b = a->x;
    float *y = a->y;
    for (size_t k = 0; k < a->n; k += 256, b++, y += 256) {
        uint8_t q[256];
        float d = f16_to_f32(b->d), dmin = f16_to_f32(b->dmin);
        codes2_get(b->qs, q);
        for (int i = 0; i < 256; i++) {
            float scale = d * (float)(b->scales[i / 16] & 15), least = dmin * (float)(b->scales[i / 16] >> 4);
            y[i] = scale * (float)q[i] - least;
        }
    }
}

DEQUANT_SPEC(Q2_K, CONVERT_CASES_256);
KERNEL(q2_K_dequant, scalar, .exact = true, .spec = &spec);
