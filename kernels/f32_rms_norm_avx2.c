/* f32_rms_norm_avx2.c - four sums of four doubles each; the products are the scalar row's, in its order.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "kernels/kernel.h"
#include "kernels/simd_avx2_math.h"

static inline void add_squares(__m256 x, __m256d *low, __m256d *high)
{
    __m256d a = _mm256_cvtps_pd(_mm256_castps256_ps128(x)), b = _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
    *low = _mm256_fmadd_pd(a, a, *low);
    *high = _mm256_fmadd_pd(b, b, *high);
}

static void f32_rms_norm_avx2(const struct norm_args *a)
{
    size_t n = a->n, whole = n & ~(size_t)7;
    __m256i tail = avx2_mask8(n - whole);
    for (size_t r = 0; r < a->rows; r++) {
        const float *x = a->x + r * a->x_stride;
        float *y = a->y + r * a->y_stride;
        __m256d s0 = _mm256_setzero_pd(), s1 = s0, s2 = s0, s3 = s0;
        size_t i = 0;
        for (; i + 16 <= n; i += 16) {
            add_squares(_mm256_loadu_ps(x + i), &s0, &s1);
            add_squares(_mm256_loadu_ps(x + i + 8), &s2, &s3);
        }
        if (i < whole) add_squares(_mm256_loadu_ps(x + i), &s0, &s1);
        if (whole < n) add_squares(_mm256_maskload_ps(x + whole, tail), &s2, &s3);
        double sum = avx2_sum4d(_mm256_add_pd(_mm256_add_pd(s0, s1), _mm256_add_pd(s2, s3)));

        __m256 scale = _mm256_set1_ps((float)(1 / sqrt(sum / (double)n + (double)a->eps)));
        for (i = 0; i < whole; i += 8) {
            __m256 v = _mm256_mul_ps(_mm256_loadu_ps(x + i), scale);
            if (a->w) v = _mm256_mul_ps(v, _mm256_loadu_ps(a->w + i));
            _mm256_storeu_ps(y + i, v);
        }
        if (whole < n) {
            __m256 v = _mm256_mul_ps(_mm256_maskload_ps(x + i, tail), scale);
            if (a->w) v = _mm256_mul_ps(v, _mm256_maskload_ps(a->w + i, tail));
            _mm256_maskstore_ps(y + i, tail, v);
        }
    }
}

KERNEL(f32_rms_norm, avx2, .needs = CPU_AVX2 | CPU_FMA);
