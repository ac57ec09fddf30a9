/* SPDX-License-Identifier: MIT */
#include "kernels/kernel.h"
#include "kernels/simd_avx2_math.h"

static void f32_scale_avx2(const struct vec_args *a)
{
    __m256 s = _mm256_set1_ps(a->s);
    size_t i = 0;
    for (; i + 8 <= a->n; i += 8) _mm256_storeu_ps(a->y + i, _mm256_mul_ps(_mm256_loadu_ps(a->y + i), s));
    for (; i < a->n; i++) a->y[i] *= a->s;
}

KERNEL(f32_scale, avx2, .needs = CPU_AVX2, .exact = true);
