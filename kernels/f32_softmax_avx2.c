/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "kernels/kernel.h"
#include "kernels/simd_avx2_math.h"

static inline __m256d sum_halves(__m256 e, __m256d sum)
{
    __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(e)), high = _mm256_cvtps_pd(_mm256_extractf128_ps(e, 1));
    return _mm256_add_pd(sum, _mm256_add_pd(low, high));
}

static void f32_softmax_avx2(const struct vec_args *a)
{
    size_t whole = a->n & ~(size_t)7;
    __m256i tail = avx2_mask8(a->n - whole);
    __m256 s = _mm256_set1_ps(a->s), max = _mm256_set1_ps(-INFINITY);
    for (size_t i = 0; i < whole; i += 8) max = _mm256_max_ps(_mm256_mul_ps(_mm256_loadu_ps(a->y + i), s), max);
    float top = avx2_max8(max);
    for (size_t i = whole; i < a->n; i++) top = fmaxf(top, a->y[i] * a->s);

    max = _mm256_set1_ps(top);
    __m256d sum = _mm256_setzero_pd();
    for (size_t i = 0; i < whole; i += 8) {
        __m256 e = avx2_exp8(_mm256_sub_ps(_mm256_mul_ps(_mm256_loadu_ps(a->y + i), s), max));
        _mm256_storeu_ps(a->y + i, e);
        sum = sum_halves(e, sum);
    }
    if (whole < a->n) {
        __m256 e = avx2_exp8(_mm256_sub_ps(_mm256_mul_ps(_mm256_maskload_ps(a->y + whole, tail), s), max));
        _mm256_maskstore_ps(a->y + whole, tail, e);
        sum = sum_halves(_mm256_and_ps(e, _mm256_castsi256_ps(tail)), sum);
    }

    float inverse = (float)(1 / avx2_sum4d(sum));
    __m256 scale = _mm256_set1_ps(inverse);
    for (size_t i = 0; i < whole; i += 8) _mm256_storeu_ps(a->y + i, _mm256_mul_ps(_mm256_loadu_ps(a->y + i), scale));
    for (size_t i = whole; i < a->n; i++) a->y[i] *= inverse;
}

KERNEL(f32_softmax, avx2, .needs = CPU_AVX2 | CPU_FMA);
