/* SPDX-License-Identifier: MIT */
#include "kernels/attend_avx2.h"

static inline const float *load(float *row, const void *p, size_t d)
{
    const char *from = p;
    size_t j = 0;
    for (; j + 8 <= d; j += 8)
        _mm256_store_ps(row + j, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(from + 2 * j))));
    if (j < d) {
        uint16_t last[8] = {0};
        memcpy(last, from + 2 * j, 2 * (d - j));
        _mm256_store_ps(row + j, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)last)));
    }
    return row;
}

static void f16_attend_avx2(const struct attend_args *a)
{
    attend_avx2(a, load);
}

KERNEL(f16_attend, avx2, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C);
