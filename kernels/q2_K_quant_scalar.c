/* q2_K_quant_scalar.c - scales, minima and codes of least squared error, weighted (fit.h). Uses importance. A block with a NaN
 * or an infinity becomes NaN.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/fit.h"
#include "kernels/spec_type.h"

static void q2_K_quant_scalar(const struct quant_args *a)
{
    struct block_q2_K *b = a->y;
    for (size_t k = 0; k < a->n; k += 256, b++) {
        const float *x = a->x + k;
        uint8_t sc[16], mn[16], q[256];
        uint16_t d, dmin;
        fit_super_min(16, 3, 15, x, a->importance ? a->importance + k : NULL, &d, &dmin, sc, mn, q);
        b->d = d;
        b->dmin = dmin;
        for (int s = 0; s < 16; s++) b->scales[s] = (uint8_t)(sc[s] | mn[s] << 4);
        codes2_put(b->qs, q);
    }
}

QUANT_SPEC(Q2_K, CONVERT_CASES_256);
KERNEL(q2_K_quant, scalar, .exact = true, .spec = &spec);
