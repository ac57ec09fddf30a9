/* q6_K_quant_scalar.c - scales and codes of least squared error, weighted (fit.h). Uses importance. A block with a NaN or an
 * infinity becomes NaN.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/fit.h"
#include "kernels/spec_type.h"

static void q6_K_quant_scalar(const struct quant_args *a)
{
    struct block_q6_K *b = a->y;
    for (size_t k = 0; k < a->n; k += 256, b++) {
        const float *x = a->x + k;
        int8_t sc[16];
        int code[256];
        uint8_t q[256];
        b->d = fit_super(16, -32, 31, -128, 127, x, a->importance ? a->importance + k : NULL, sc, code);
        memcpy(b->scales, sc, sizeof b->scales);
        for (int i = 0; i < 256; i++) q[i] = (uint8_t)(code[i] + 32);
        q6_K_put(b, q);
    }
}

QUANT_SPEC(Q6_K, CONVERT_CASES_256);
KERNEL(q6_K_quant, scalar, .exact = true, .spec = &spec);
