/* q5_0_dequant_avx2.c - 32 codes at a time.
 * SPDX-License-Identifier: MIT */
#include "kernels/simd_avx2.h"

static void q5_0_dequant_avx2(const struct dequant_args *a)
{
    const struct block_q5_0 *b = a->x;
    for (size_t k = 0; k < a->n; k += 32, b++) {
        __m256i q = _mm256_sub_epi8(avx2_codes5(b->qs, b->qh), _mm256_set1_epi8(16));
        avx2_store32(a->y + k, q, _mm256_set1_ps(avx2_f16(b->d)), _mm256_setzero_ps(), 0);
    }
}

KERNEL(q5_0_dequant, avx2, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C, .exact = true);
