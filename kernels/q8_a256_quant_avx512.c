/* q8_a256_quant_avx512.c - the scalar row's operations, 16 floats at once, in two passes over a block. The sums of 16 codes are
 * those of dpbusd with ones, added up by a transposition for all of the block.
 * SPDX-License-Identifier: MIT */
#include "kernels/amax_avx512.h"

static void q8_a256_quant_avx512(const struct quant_args *a)
{
    /* Word 4i + j from word 4j + i: undoes the order in which packing and the transposition leave words. */
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    struct block_q8_a256 *b = a->y;
    for (size_t k = 0; k < a->n; k += 256, b++) {
        const float *x = a->x + k;
        __m512i s[4];
        float inverse;
        b->d = amax_scale(amax_of_avx512(x, 256), &inverse);
        for (int i = 0; i < 4; i++, x += 64) {
            const __m512i low = _mm512_packs_epi32(amax_codes_avx512(x, inverse), amax_codes_avx512(x + 16, inverse));
            const __m512i high = _mm512_packs_epi32(amax_codes_avx512(x + 32, inverse), amax_codes_avx512(x + 48, inverse));
            const __m512i q = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(low, high));
            _mm512_storeu_si512(b->qs + 64 * i, q);
            s[i] = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), q);
        }
        const __m512i s01 = _mm512_add_epi32(_mm512_unpacklo_epi32(s[0], s[1]), _mm512_unpackhi_epi32(s[0], s[1]));
        const __m512i s23 = _mm512_add_epi32(_mm512_unpacklo_epi32(s[2], s[3]), _mm512_unpackhi_epi32(s[2], s[3]));
        const __m512i sums = _mm512_add_epi32(_mm512_unpacklo_epi64(s01, s23), _mm512_unpackhi_epi64(s01, s23));
        const __m256i bsums = _mm512_cvtepi32_epi16(_mm512_permutexvar_epi32(order, sums));
        memcpy(b->bsums, &bsums, sizeof b->bsums);
    }
}

KERNEL(q8_a256_quant, avx512, .needs = AVX512_NEEDS, .exact = true);
