/* bf16_dequant_avx2.c - a bf16 is the upper half of an f32: eight at a time; the rest through a padded copy.
 * SPDX-License-Identifier: MIT */
#include "kernels/simd_avx2.h"

static inline __m256 widen(const void *x)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)x)), 16));
}

static void bf16_dequant_avx2(const struct dequant_args *a)
{
    const char *x = a->x;
    size_t i = 0;
    for (; i + 8 <= a->n; i += 8) _mm256_storeu_ps(a->y + i, widen(x + 2 * i));
    if (i < a->n) {
        uint16_t in[8] = {0};
        float out[8];
        memcpy(in, x + 2 * i, (a->n - i) * sizeof *in);
        _mm256_storeu_ps(out, widen(in));
        memcpy(a->y + i, out, (a->n - i) * sizeof *out);
    }
}

KERNEL(bf16_dequant, avx2, .needs = CPU_AVX2, .exact = true);
