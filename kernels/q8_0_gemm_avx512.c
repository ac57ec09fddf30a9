/* q8_0_gemm_avx512.c - codes made unsigned by their sign bit, so 128 too high.
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_avx512.h"

KERNEL_INLINE void pack(void *block, const char *const row[GEMM_ROWS], size_t at)
{
    struct gemm_block32 *b = block;
    __m512i w[4];
    gemm_words(row, at, w);
    b->d = gemm_f16_low(w[0]);
    for (int h = 0; h < 2; h++) {
        gemm_words(row, at + offsetof(struct block_q8_0, qs) + 16 * (size_t)h, w);
        for (int j = 0; j < 4; j++) b->codes[4 * h + j] = _mm512_xor_si512(w[j], _mm512_set1_epi8((char)0x80));
    }
}

GEMM_KERNEL_AVX512(q8_0, avx512, 32, 7);
