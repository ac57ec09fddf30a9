/* q5_0_quant_scalar.c - the d and codes of least squared error, weighted (fit.h). Uses importance. A block with a NaN or an
 * infinity becomes NaN.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/fit.h"
#include "kernels/spec_type.h"

static void q5_0_quant_scalar(const struct quant_args *a)
{
    struct block_q5_0 *b = a->y;
    for (size_t k = 0; k < a->n; k += 32, b++) {
        const float *x = a->x + k;
        float w[32], d;
        int code[32];
        uint8_t q[32];
        if (fit_weights(32, x, a->importance ? a->importance + k : NULL, w, &d)) d = fit_scale(32, -16, 15, x, w, code, NULL);
        b->d = fit_f16(d);
        d = f16_to_f32(b->d);
        for (int i = 0; i < 32; i++) q[i] = (uint8_t)((d != 0 ? fit_round(x[i] / d, -16, 15) : 0) + 16);
        codes5_put(b->qs, b->qh, q);
    }
}

QUANT_SPEC(Q5_0, CONVERT_CASES_32);
KERNEL(q5_0_quant, scalar, .exact = true, .spec = &spec);
