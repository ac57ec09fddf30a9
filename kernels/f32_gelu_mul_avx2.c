/* SPDX-License-Identifier: MIT */
#include "kernels/glu_avx2.h"

/* As the scalar row rounds it, without fused operations: at x = -10 an error of one unit here is many in the result. */
static inline __m256 exponent(__m256 x)
{
    __m256 c = _mm256_mul_ps(_mm256_set1_ps(0.0713548163f), _mm256_mul_ps(x, x));
    return _mm256_mul_ps(x, _mm256_add_ps(_mm256_set1_ps(1.59576912f), c));
}

static void f32_gelu_mul_avx2(const struct glu_args *a)
{
    glu_avx2(a, exponent);
}

KERNEL(f32_gelu_mul, avx2, .needs = CPU_AVX2 | CPU_FMA);
