/* q5_K_quant_scalar.c - scales, minima and codes of least squared error, weighted (fit.h). Uses importance. A block with a NaN
 * or an infinity becomes NaN.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/fit.h"
#include "kernels/spec_type.h"

static void q5_K_quant_scalar(const struct quant_args *a)
{
    struct block_q5_K *b = a->y;
    for (size_t k = 0; k < a->n; k += 256, b++) {
        const float *x = a->x + k;
        uint8_t sc[8], mn[8], q[256];
        uint16_t d, dmin;
        fit_super_min(32, 31, 63, x, a->importance ? a->importance + k : NULL, &d, &dmin, sc, mn, q);
        b->d = d;
        b->dmin = dmin;
        q45_K_put_scales(b->scales, sc, mn);
        q5_K_put(b, q);
    }
}

QUANT_SPEC(Q5_K, CONVERT_CASES_256);
KERNEL(q5_K_quant, scalar, .exact = true, .spec = &spec);
