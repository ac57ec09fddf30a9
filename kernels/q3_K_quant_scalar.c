/* q3_K_quant_scalar.c - scales and codes of least squared error, weighted (fit.h). Uses importance. A block with a NaN or an
 * infinity becomes NaN.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/fit.h"
#include "kernels/spec_type.h"

static void q3_K_quant_scalar(const struct quant_args *a)
{
    struct block_q3_K *b = a->y;
    for (size_t k = 0; k < a->n; k += 256, b++) {
        const float *x = a->x + k;
        int8_t sc[16];
        int code[256];
        uint8_t q[256];
        b->d = fit_super(16, -4, 3, -32, 31, x, a->importance ? a->importance + k : NULL, sc, code);
        for (int i = 0; i < 256; i++) q[i] = (uint8_t)(code[i] + 4);
        q3_K_put_scales(b->scales, sc);
        q3_K_put(b, q);
    }
}

QUANT_SPEC(Q3_K, CONVERT_CASES_256);
KERNEL(q3_K_quant, scalar, .exact = true, .spec = &spec);
