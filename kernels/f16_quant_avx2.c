/* f16_quant_avx2.c - eight at a time by F16C, which rounds to nearest, ties to even; the rest through a padded copy.
 * SPDX-License-Identifier: MIT */
#include "kernels/simd_avx2.h"

static inline __m128i narrow(const float *x)
{
    return _mm256_cvtps_ph(_mm256_loadu_ps(x), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static void f16_quant_avx2(const struct quant_args *a)
{
    char *y = a->y;
    size_t i = 0;
    for (; i + 8 <= a->n; i += 8) _mm_storeu_si128((__m128i *)(y + 2 * i), narrow(a->x + i));
    if (i < a->n) {
        float in[8] = {0};
        uint16_t out[8];
        memcpy(in, a->x + i, (a->n - i) * sizeof *in);
        _mm_storeu_si128((__m128i *)out, narrow(in));
        memcpy(y + 2 * i, out, (a->n - i) * sizeof *out);
    }
}

KERNEL(f16_quant, avx2, .needs = CPU_AVX2 | CPU_F16C, .exact = true);
