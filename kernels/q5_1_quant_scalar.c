/* q5_1_quant_scalar.c - the d, m and codes of least squared error, weighted (fit.h). Uses importance. A block with a NaN or an
 * infinity becomes NaN.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/fit.h"
#include "kernels/spec_type.h"

static void q5_1_quant_scalar(const struct quant_args *a)
{
    struct block_q5_1 *b = a->y;
    for (size_t k = 0; k < a->n; k += 32, b++) {
        const float *x = a->x + k;
        float w[32], d, m = 0, curvature;
        uint8_t q[32];
        if (fit_weights(32, x, a->importance ? a->importance + k : NULL, w, &d))
            d = fit_scale_min(32, 31, false, x, w, &m, &curvature);
        b->d = fit_f16(d);
        b->m = fit_f16(-m);
        d = f16_to_f32(b->d);
        m = f16_to_f32(b->m);
        for (int i = 0; i < 32; i++) q[i] = d > 0 ? (uint8_t)fit_round((x[i] - m) / d, 0, 31) : 0;
        codes5_put(b->qs, b->qh, q);
    }
}

QUANT_SPEC(Q5_1, CONVERT_CASES_32);
KERNEL(q5_1_quant, scalar, .exact = true, .spec = &spec);
