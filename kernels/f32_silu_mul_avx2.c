/* SPDX-License-Identifier: MIT */
#include "kernels/glu_avx2.h"

static inline __m256 exponent(__m256 x)
{
    return x;
}

static void f32_silu_mul_avx2(const struct glu_args *a)
{
    glu_avx2(a, exponent);
}

KERNEL(f32_silu_mul, avx2, .needs = CPU_AVX2 | CPU_FMA);
