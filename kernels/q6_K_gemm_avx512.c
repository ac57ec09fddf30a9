/* q6_K_gemm_avx512.c - 4 bits from ql and 2 from qh, 32 too high.
 * SPDX-License-Identifier: MIT */
#include "kernels/gemm_avx512.h"

KERNEL_INLINE void pack(void *block, const char *const row[GEMM_ROWS], size_t at)
{
    struct gemm_block256 *b = block;
    __m512i w[4], high[4];
    gemm_words(row, at + sizeof(struct block_q6_K) - 16, w); /* its last two bytes: d */
    b->d = gemm_f16_high(w[3]);
    gemm_words(row, at + offsetof(struct block_q6_K, scales), w);
    gemm_scales16(b, w);
    gemm_too_high16(b, 5);
    for (int part = 0; part < 4;
         part++) { /* 16 bytes of qh: elements 128 * (part / 2) + 16 * (part % 2) .., and 32, 64, 96 on */
        gemm_words(row, at + offsetof(struct block_q6_K, qh) + 16 * (size_t)part, high);
        for (int i = 0; i < 2; i++) {
            gemm_words(
                row, at + offsetof(struct block_q6_K, ql) + 64 * (size_t)(part / 2) + 32 * (size_t)i + 16 * (size_t)(part % 2),
                w);
            for (int j = 0; j < 4; j++) {
                __m512i *codes = b->codes + 32 * (part / 2) + 8 * i + 4 * (part % 2) + j;
                codes[0] = _mm512_or_si512(avx512_bits(w[j], 0, 15), avx512_bits(high[j], 4 - 2 * i, 48));
                codes[16] = _mm512_or_si512(avx512_bits(w[j], -4, 15), avx512_bits(high[j], -2 * i, 48));
            }
        }
    }
}

GEMM_KERNEL_AVX512(q6_K, avx512, 256, 5, 16);
