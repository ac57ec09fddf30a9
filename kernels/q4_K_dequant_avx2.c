/* q4_K_dequant_avx2.c - a sub-block of 32 at a time.
 * SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/simd_avx2.h"

static void q4_K_dequant_avx2(const struct dequant_args *a)
{
    const struct block_q4_K *b = a->x;
    for (size_t k = 0; k < a->n; k += 256, b++) {
        uint8_t sc[8], mn[8];
        float d = avx2_f16(b->d), dmin = avx2_f16(b->dmin);
        q45_K_get_scales(b->scales, sc, mn);
        for (int s = 0; s < 8; s++) {
            __m256i q = avx2_load(b->qs + 32 * (s / 2));
            q = s % 2 ? avx2_bits(q, -4, 15) : avx2_bits(q, 0, 15);
            avx2_store32(a->y + k + 32 * (size_t)s, q, _mm256_set1_ps(d * (float)sc[s]), _mm256_set1_ps(dmin * (float)mn[s]),
                         1);
        }
    }
}

KERNEL(q4_K_dequant, avx2, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C, .exact = true);
