/* codes_avx2.h - a block's codes and scales as vectors: blocks.h's drawings as AVX2 code, once, for dot and gemm.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_CODES_AVX2_H
#define HARTREE_CODES_AVX2_H

#include "kernels/simd_avx2.h"

/* ---- q4_0 ---- */

KERNEL_INLINE __m256i codes_q4_0(const void *block)
{
    const struct block_q4_0 *b = block;
    return avx2_codes4(b->qs);
}

/* ---- q4_1 ---- */

KERNEL_INLINE __m256i codes_q4_1(const void *block)
{
    const struct block_q4_1 *b = block;
    return avx2_codes4(b->qs);
}

/* ---- q5_0 ---- */

KERNEL_INLINE __m256i codes_q5_0(const void *block)
{
    const struct block_q5_0 *b = block;
    return avx2_codes5(b->qs, b->qh);
}

/* ---- q5_1 ---- */

KERNEL_INLINE __m256i codes_q5_1(const void *block)
{
    const struct block_q5_1 *b = block;
    return avx2_codes5(b->qs, b->qh);
}

/* ---- q8_0 ---- */

KERNEL_INLINE __m256i codes_q8_0(const void *block)
{
    const struct block_q8_0 *b = block;
    return avx2_load(b->qs);
}

/* ---- q2_K ---- */

KERNEL_INLINE struct avx2_block256 open_q2_K(const void *block)
{
    const struct block_q2_K *b = block;
    __m128i s = _mm_loadu_si128((const __m128i *)b->scales), low = _mm_set1_epi8(15);
    return (struct avx2_block256){_mm_and_si128(s, low), _mm_and_si128(_mm_srli_epi16(s, 4), low), avx2_f16(b->d),
                                  avx2_f16(b->dmin)};
}

KERNEL_INLINE __m256i codes_q2_K(const void *block, int j)
{
    const struct block_q2_K *b = block;
    return avx2_bits(avx2_load(b->qs + 32 * (j / 4)), -2 * (j % 4), 3);
}

/* ---- q3_K ---- */

KERNEL_INLINE struct avx2_block256 open_q3_K(const void *block)
{
    const struct block_q3_K *b = block;
    uint32_t u[3];
    memcpy(u, b->scales, sizeof u);
    const uint32_t low = 0x0f0f0f0f, high = 0x30303030; /* the pairs of bits go up to 5:4 */
    __m128i s = _mm_setr_epi32((int)((u[0] & low) | (u[2] << 4 & high)), (int)((u[1] & low) | (u[2] << 2 & high)),
                               (int)((u[0] >> 4 & low) | (u[2] & high)), (int)((u[1] >> 4 & low) | (u[2] >> 2 & high)));
    s = _mm_sub_epi8(s, _mm_set1_epi8(32));
    return (struct avx2_block256){s, s, avx2_f16(b->d), 0};
}

KERNEL_INLINE __m256i codes_q3_K(const void *block, int j)
{
    const struct block_q3_K *b = block;
    __m256i low = avx2_bits(avx2_load(b->qs + 32 * (j / 4)), -2 * (j % 4), 3);
    return _mm256_or_si256(low, avx2_bits(avx2_load(b->hmask), 2 - j, 4));
}

/* ---- q4_K ---- */

KERNEL_INLINE struct avx2_block256 open_q4_K(const void *block)
{
    const struct block_q4_K *b = block;
    return avx2_scales8(b->scales, avx2_f16(b->d), avx2_f16(b->dmin));
}

KERNEL_INLINE __m256i codes_q4_K(const void *block, int j)
{
    const struct block_q4_K *b = block;
    return avx2_bits(avx2_load(b->qs + 32 * (j / 2)), -4 * (j % 2), 15);
}

/* ---- q5_K ---- */

KERNEL_INLINE struct avx2_block256 open_q5_K(const void *block)
{
    const struct block_q5_K *b = block;
    return avx2_scales8(b->scales, avx2_f16(b->d), avx2_f16(b->dmin));
}

KERNEL_INLINE __m256i codes_q5_K(const void *block, int j)
{
    const struct block_q5_K *b = block;
    __m256i low = avx2_bits(avx2_load(b->qs + 32 * (j / 2)), -4 * (j % 2), 15);
    return _mm256_or_si256(low, avx2_bits(avx2_load(b->qh), 4 - j, 16));
}

/* ---- q6_K ---- */

KERNEL_INLINE struct avx2_block256 open_q6_K(const void *block)
{
    const struct block_q6_K *b = block;
    __m128i s = _mm_loadu_si128((const __m128i *)b->scales);
    return (struct avx2_block256){s, s, avx2_f16(b->d), 0};
}

KERNEL_INLINE __m256i codes_q6_K(const void *block, int j)
{
    const struct block_q6_K *b = block;
    int half = j / 4, part = j % 4;
    __m256i low = avx2_bits(avx2_load(b->ql + 64 * half + 32 * (part % 2)), -4 * (part / 2), 15);
    return _mm256_or_si256(low, avx2_bits(avx2_load(b->qh + 32 * half), 4 - 2 * part, 48));
}

#endif
