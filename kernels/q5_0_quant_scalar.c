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
        uint8_t q[32];
        b->d = fit_block32(16, a->x + k, a->importance ? a->importance + k : NULL, q);
        codes5_put(b->qs, b->qh, q);
    }
}

QUANT_SPEC(Q5_0, CONVERT_CASES_32);
KERNEL(q5_0_quant, scalar, .exact = true, .spec = &spec);
