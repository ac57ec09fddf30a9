/* q8_a256_quant_scalar.c - d = max|x| / 127, q = x * (127 / max|x|) to the nearest integer, ties to even, each operation
 * rounded once; bsums = sums of 16 codes. Takes no importance. A block with a NaN or an infinity gets d = NaN and zero codes.
 * SPDX-License-Identifier: MIT */
#include "kernels/amax.h"
#include "kernels/spec_type.h"

static void q8_a256_quant_scalar(const struct quant_args *a)
{
    struct block_q8_a256 *b = a->y;
    for (size_t k = 0; k < a->n; k += 256, b++) {
        const float *x = a->x + k;
        float inverse;
        b->d = amax_scale(amax_of(x, 256), &inverse);
        for (int j = 0; j < 16; j++) {
            int sum = 0;
            for (int i = 16 * j; i < 16 * j + 16; i++) {
                int q = amax_code(x[i], inverse);
                b->qs[i] = (int8_t)q;
                sum += q;
            }
            b->bsums[j] = (int16_t)sum;
        }
    }
}

QUANT_SPEC(Q8_A256, CONVERT_CASES_256);
KERNEL(q8_a256_quant, scalar, .exact = true, .spec = &spec);
