/* SPDX-License-Identifier: MIT */
#include "kernels/attend_avx2.h"
#include "kernels/blocks.h"

static inline const float *load(float *row, const void *p, size_t d)
{
    const struct block_q8_0 *b = p;
    for (size_t i = 0; i < d / 32; i++) {
        __m256 scale = _mm256_set1_ps(_cvtsh_ss(b[i].d));
        for (size_t j = 0; j < 32; j += 8) {
            __m256i q = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(b[i].qs + j)));
            _mm256_store_ps(row + 32 * i + j, _mm256_mul_ps(_mm256_cvtepi32_ps(q), scale));
        }
    }
    return row;
}

static void q8_0_attend_avx2(const struct attend_args *a)
{
    attend_avx2(a, load);
}

KERNEL(q8_0_attend, avx2, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C);
