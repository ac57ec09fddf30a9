/* q8_a32_quant_scalar.c - d = max|x| / 127, q = x * (127 / max|x|) to the nearest integer, ties to even, sum = sum(q), each
 * operation rounded once. Takes no importance. A block with a NaN or an infinity gets d = NaN and zero codes.
 * SPDX-License-Identifier: MIT */
#include "kernels/amax.h"
#include "kernels/spec_type.h"

static void q8_a32_quant_scalar(const struct quant_args *a)
{
    struct block_q8_a32 *b = a->y;
    for (size_t k = 0; k < a->n; k += 32, b++) {
        const float *x = a->x + k;
        float inverse, d = amax_scale(amax_of(x, 32), &inverse);
        int sum = 0;
        for (int i = 0; i < 32; i++) {
            int q = amax_code(x[i], inverse);
            b->qs[i] = (int8_t)q;
            sum += q;
        }
        b->d = d;
        b->sum = sum;
    }
}

QUANT_SPEC(Q8_A32, CONVERT_CASES_32);
KERNEL(q8_a32_quant, scalar, .exact = true, .spec = &spec);
