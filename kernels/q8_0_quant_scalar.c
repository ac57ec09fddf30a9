/* q8_0_quant_scalar.c - d = max|x| / 127 as f16 (at most f16's largest), q = x / d by its inverse, to the nearest integer in
 * -127..127, ties to even: the codes nearest under the scale as stored. Takes no importance. A block with a NaN or an infinity
 * becomes NaN.
 * SPDX-License-Identifier: MIT */
#include "kernels/amax.h"
#include "kernels/spec_type.h"

static void q8_0_quant_scalar(const struct quant_args *a)
{
    struct block_q8_0 *b = a->y;
    for (size_t k = 0; k < a->n; k += 32, b++) {
        const float *x = a->x + k;
        float none, d = amax_scale(amax_of(x, 32), &none);
        b->d = f16_from_f32(d > 65504 ? 65504 : d);
        d = f16_to_f32(b->d);
        float inverse = d > 0 ? 1 / d : 0;
        for (int i = 0; i < 32; i++) {
            float t = inverse != 0 ? x[i] * inverse : 0;
            t = t > 127 ? 127 : t < -127 ? -127 : t;
            b->qs[i] = (int8_t)amax_code(t, 1);
        }
    }
}

QUANT_SPEC(Q8_0, CONVERT_CASES_32);
KERNEL(q8_0_quant, scalar, .exact = true, .spec = &spec);
