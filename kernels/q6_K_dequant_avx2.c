/* q6_K_dequant_avx2.c - two sub-blocks of 16 at a time.
 * SPDX-License-Identifier: MIT */
#include "kernels/simd_avx2.h"

static void q6_K_dequant_avx2(const struct dequant_args *a)
{
    const struct block_q6_K *b = a->x;
    for (size_t k = 0; k < a->n; k += 256, b++) {
        float d = avx2_f16(b->d);
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++) {
            int half = j / 4, part = j % 4;
            __m256i q = avx2_bits(avx2_load(b->ql + 64 * half + 32 * (part % 2)), -4 * (part / 2), 15);
            q = _mm256_or_si256(q, avx2_bits(avx2_load(b->qh + 32 * half), 4 - 2 * part, 48));
            q = _mm256_sub_epi8(q, _mm256_set1_epi8(32));
            float *y = a->y + k + 32 * (size_t)j;
            avx2_store16(y, _mm256_castsi256_si128(q), _mm256_set1_ps(d * (float)b->scales[2 * j]), _mm256_setzero_ps(), 0);
            avx2_store16(y + 16, _mm256_extracti128_si256(q, 1), _mm256_set1_ps(d * (float)b->scales[2 * j + 1]),
                         _mm256_setzero_ps(), 0);
        }
    }
}

KERNEL(q6_K_dequant, avx2, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C, .exact = true);
