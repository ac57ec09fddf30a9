/* q8_a256_quant_avx2.c - the scalar row's operations on 32 floats at once, in two passes over a block.
 * SPDX-License-Identifier: MIT */
#include "kernels/amax_avx2.h"

static void q8_a256_quant_avx2(const struct quant_args *a)
{
    struct block_q8_a256 *b = a->y;
    for (size_t k = 0; k < a->n; k += 256, b++) {
        const float *x = a->x + k;
        __m256i most = _mm256_setzero_si256();
        for (int i = 0; i < 256; i += 32) most = amax_step(most, x + i);
        float inverse;
        b->d = amax_scale(amax_reduce(most), &inverse);
        for (int j = 0; j < 8; j++) {
            __m256i q = amax_codes(x + 32 * j, inverse, 127), s = amax_sums(q);
            _mm256_storeu_si256((__m256i *)(b->qs + 32 * j), q);
            s = _mm256_add_epi32(s, _mm256_shuffle_epi32(s, 0xb1));
            s = _mm256_add_epi32(s, _mm256_shuffle_epi32(s, 0x4e)); /* each half: the sum of its 16 codes */
            b->bsums[2 * j] = (int16_t)_mm256_extract_epi16(s, 0);
            b->bsums[2 * j + 1] = (int16_t)_mm256_extract_epi16(s, 8);
        }
    }
}

KERNEL(q8_a256_quant, avx2, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C, .exact = true);
