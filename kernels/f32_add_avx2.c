/* SPDX-License-Identifier: MIT */
#include "kernels/kernel.h"
#include "kernels/simd_avx2_math.h"

static void f32_add_avx2(const struct vec_args *a)
{
    size_t i = 0;
    for (; i + 8 <= a->n; i += 8)
        _mm256_storeu_ps(a->y + i, _mm256_add_ps(_mm256_loadu_ps(a->y + i), _mm256_loadu_ps(a->x + i)));
    for (; i < a->n; i++) a->y[i] += a->x[i];
}

KERNEL(f32_add, avx2, .needs = CPU_AVX2, .exact = true);
