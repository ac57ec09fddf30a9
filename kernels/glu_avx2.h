/* glu_avx2.h - the loop of both gated activations; each gives the exponent.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_GLU_AVX2_H
#define HARTREE_GLU_AVX2_H

#include <float.h>

#include "kernels/kernel.h"
#include "kernels/simd_avx2_math.h"

static inline __m256 gate_times_sigmoid(__m256 x, __m256 z)
{
    __m256 e = avx2_exp8(_mm256_sub_ps(_mm256_setzero_ps(), z));
    x = _mm256_max_ps(_mm256_set1_ps(-FLT_MAX), x); /* -infinity over infinity; NaN, the second operand, stays */
    return _mm256_div_ps(x, _mm256_add_ps(_mm256_set1_ps(1.0f), e));
}

/* y = x sigmoid(exponent(x)) * up */
static inline void glu_avx2(const struct glu_args *a, __m256 (*exponent)(__m256 x))
{
    size_t i = 0;
    for (; i + 8 <= a->n; i += 8) {
        __m256 x = _mm256_loadu_ps(a->gate + i);
        _mm256_storeu_ps(a->y + i, _mm256_mul_ps(gate_times_sigmoid(x, exponent(x)), _mm256_loadu_ps(a->up + i)));
    }
    if (i < a->n) {
        __m256i tail = avx2_mask8(a->n - i);
        __m256 x = _mm256_maskload_ps(a->gate + i, tail), up = _mm256_maskload_ps(a->up + i, tail);
        _mm256_maskstore_ps(a->y + i, tail, _mm256_mul_ps(gate_times_sigmoid(x, exponent(x)), up));
    }
}

#endif
