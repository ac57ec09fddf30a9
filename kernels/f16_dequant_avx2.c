/* f16_dequant_avx2.c - eight at a time by F16C; the rest through a padded copy.
 * SPDX-License-Identifier: MIT */
#include "kernels/simd_avx2.h"

static void f16_dequant_avx2(const struct dequant_args *a)
{
    const char *x = a->x;
    size_t i = 0;
    for (; i + 8 <= a->n; i += 8) _mm256_storeu_ps(a->y + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(x + 2 * i))));
    if (i < a->n) {
        uint16_t in[8] = {0};
        float out[8];
        memcpy(in, x + 2 * i, (a->n - i) * sizeof *in);
        _mm256_storeu_ps(out, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)in)));
        memcpy(a->y + i, out, (a->n - i) * sizeof *out);
    }
}

KERNEL(f16_dequant, avx2, .needs = CPU_AVX2 | CPU_F16C, .exact = true);
