/* dot_avx2.h - few columns: the AVX2 products of quantised weights that read each weight where it lies.
 *
 * One column at a time, so this is a matter of bytes and of instructions a byte. Blocks of 256 go by one row at a time. Blocks
 * of 32 go by four rows: their integer sums end side by side in one vector, so that one conversion and one multiplication by
 * the scales serve all four, the activations' scale is one broadcast, and nothing is left to add up at the end of a row. Rows
 * beyond the last are the last row again, not stored: so an output's bits depend on nothing beside it.
 *
 * Overflow. maddubs adds two u8 * s8 products in int16. Activation codes lie in -127..127, so the largest is 2 * 128 * 127 =
 * 32512 (q8_0's -128). Codes of five bits leave room to add four products: 4 * 2 * 31 * 127 = 31496.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_DOT_AVX2_H
#define HARTREE_DOT_AVX2_H

#include "kernels/codes_avx2.h"

/* ---- Blocks of 32 ---- */

enum { DOT_ROWS = 4 };

/* The f16 at each of four addresses. */
KERNEL_INLINE __m128 dot_f16(const char *const p[DOT_ROWS], size_t at)
{
    uint16_t h[DOT_ROWS];
    for (int i = 0; i < DOT_ROWS; i++) memcpy(&h[i], p[i] + at, sizeof h[i]);
    __m128i v = _mm_cvtsi32_si128(h[0]);
    return _mm_cvtph_ps(_mm_insert_epi16(_mm_insert_epi16(_mm_insert_epi16(v, h[1], 1), h[2], 2), h[3], 3));
}

/* Sums of products of a block of four rows, of elements 0..15 in the low half and 16..31 in the high one. */
KERNEL_INLINE __m256i dot_sums(const char *const w[DOT_ROWS], __m256i x, avx2_codes32 *codes, const enum avx2_kind kind)
{
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i p[DOT_ROWS];
    for (int i = 0; i < DOT_ROWS; i++) {
        const __m256i q = codes(w[i]);
        if (kind == AVX2_SIGNED8)
            p[i] = _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_abs_epi8(q), _mm256_sign_epi8(x, q)), ones);
        else
            p[i] = _mm256_maddubs_epi16(q, x);
        __asm__("" : "+x"(p[i])); /* one row after the other: else gcc unpacks all four first, and spills them */
    }
    if (kind == AVX2_SIGNED8) return _mm256_hadd_epi32(_mm256_hadd_epi32(p[0], p[1]), _mm256_hadd_epi32(p[2], p[3]));
    return _mm256_madd_epi16(_mm256_hadd_epi16(_mm256_hadd_epi16(p[0], p[1]), _mm256_hadd_epi16(p[2], p[3])), ones);
}

/* Four rows by one column. Codes are 2^lift too high where they are lifted. While these rows are multiplied, what lies at
 * `ahead`, which is the next four where rows lie side by side, is asked for line by line: the four streams are short, and no
 * hardware sees their next ones coming. */
KERNEL_INLINE __m128 dot_rows32(const char *w[DOT_ROWS], const struct block_q8_a32 *x, size_t blocks, uintptr_t ahead,
                                const size_t w_block, avx2_codes32 *codes, const enum avx2_kind kind, const int lift)
{
    __m256 sum = _mm256_setzero_ps();
    __m128 offset = _mm_setzero_ps();
    for (size_t b = 0; b < blocks; b++, x++) {
        if (b % 2 == 0) {
            for (size_t i = 0; i < 2 * DOT_ROWS * w_block; i += 64) _mm_prefetch((const char *)(ahead + i), _MM_HINT_T0);
            ahead += 2 * DOT_ROWS * w_block;
        }
        __m256i s = dot_sums(w, avx2_load(x->qs), codes, kind);
        /* Half of what lifted codes gave too much is taken off either half. */
        if (kind == AVX2_LIFTED) s = _mm256_sub_epi32(s, _mm256_slli_epi32(_mm256_set1_epi32(x->sum), lift - 1));
        const __m128 dx = _mm_set1_ps(x->d), d = _mm_mul_ps(dot_f16(w, 0), dx);
        sum = _mm256_fmadd_ps(_mm256_set_m128(d, d), _mm256_cvtepi32_ps(s), sum);
        if (kind == AVX2_MINIMUM)
            offset = _mm_fmadd_ps(_mm_mul_ps(dot_f16(w, 2), dx), _mm_cvtepi32_ps(_mm_set1_epi32(x->sum)), offset);
        for (int i = 0; i < DOT_ROWS; i++) w[i] += w_block;
    }
    const __m128 halves = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
    return kind == AVX2_MINIMUM ? _mm_add_ps(halves, offset) : halves;
}

KERNEL_INLINE void dot_walk32(const struct dot_args *a, const size_t w_block, avx2_codes32 *codes, const enum avx2_kind kind,
                              const int lift)
{
    for (size_t c = 0; c < a->cols; c++) {
        for (size_t r = 0; r < a->rows; r += DOT_ROWS) {
            const char *w[DOT_ROWS];
            size_t n = a->rows - r < DOT_ROWS ? a->rows - r : DOT_ROWS;
            for (size_t i = 0; i < DOT_ROWS; i++) w[i] = (const char *)a->w + (r + (i < n ? i : n - 1)) * a->w_stride;
            float y[DOT_ROWS];
            const void *x = (const char *)a->x + c * a->x_stride;
            _mm_storeu_ps(y, dot_rows32(w, x, a->n / 32, (uintptr_t)w[0] + DOT_ROWS * a->w_stride, w_block, codes, kind, lift));
            memcpy(a->y + c * a->ldy + r, y, n * sizeof *y);
        }
    }
}

#define DOT_KERNEL_AVX2_32(prefix, isa, kind, lift)                                                                            \
    static void prefix##_dot_##isa(const struct dot_args *a)                                                                   \
    {                                                                                                                          \
        dot_walk32(a, sizeof(struct block_##prefix), codes_##prefix, kind, lift);                                              \
    }                                                                                                                          \
    KERNEL(prefix##_dot, isa, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C)

/* ---- Blocks of 256 ---- */

/* One row by one column. The block's offset is dmin * <offset, bsums> where shift is AVX2_MINIMA, else codes are 2^shift too
 * high: <offset, bsums> << shift is taken off the integer sum. */
KERNEL_INLINE float dot_row256(const char *w, const struct block_q8_a256 *x, size_t blocks, const size_t w_block,
                               avx2_open256 *open, avx2_codes256 *codes, const int shift)
{
    __m256 sum = _mm256_setzero_ps();
    for (size_t b = 0; b < blocks; b++, w += w_block, x++) {
        dot_ahead(w, w_block);
        const struct avx2_block256 s = open(w);
        /* Even ones in the low half, odd ones in the high half: so one in-lane shuffle spreads those of 32 elements. */
        const __m128i even_odd = _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
        const __m256i scales = _mm256_cvtepi8_epi16(_mm_shuffle_epi8(s.scale, even_odd));
        __m256i p[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++) {
            const __m256i scale = _mm256_shuffle_epi8(scales, _mm256_set1_epi16((short)(0x0100 + 0x0202 * j)));
            const __m256i t = _mm256_maddubs_epi16(codes(w, j), avx2_load(x->qs + 32 * j));
            p[j % 2] = _mm256_add_epi32(p[j % 2], _mm256_madd_epi16(t, scale));
        }
        __m256i all = _mm256_add_epi32(p[0], p[1]);
        const __m256i sums = avx2_load((const char *)x + offsetof(struct block_q8_a256, bsums));
        const __m256i m = _mm256_madd_epi16(_mm256_cvtepi8_epi16(s.offset), sums);
        if (shift != AVX2_MINIMA) all = _mm256_sub_epi32(all, _mm256_slli_epi32(m, shift));
        sum = _mm256_fmadd_ps(_mm256_set1_ps(s.d * x->d), _mm256_cvtepi32_ps(all), sum);
        if (shift == AVX2_MINIMA) sum = _mm256_fnmadd_ps(_mm256_set1_ps(s.dmin * x->d), _mm256_cvtepi32_ps(m), sum);
    }
    return avx2_hsum(sum);
}

KERNEL_INLINE void dot_walk256(const struct dot_args *a, const size_t w_block, avx2_open256 *open, avx2_codes256 *codes,
                               const int shift)
{
    for (size_t c = 0; c < a->cols; c++)
        for (size_t r = 0; r < a->rows; r++)
            a->y[c * a->ldy + r] = dot_row256((const char *)a->w + r * a->w_stride,
                                              (const void *)((const char *)a->x + c * a->x_stride), a->n / 256, w_block, open,
                                              codes, shift);
}

#define DOT_KERNEL_AVX2_256(prefix, isa, shift)                                                                                \
    static void prefix##_dot_##isa(const struct dot_args *a)                                                                   \
    {                                                                                                                          \
        dot_walk256(a, sizeof(struct block_##prefix), open_##prefix, codes_##prefix, shift);                                   \
    }                                                                                                                          \
    KERNEL(prefix##_dot, isa, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C)

#endif
