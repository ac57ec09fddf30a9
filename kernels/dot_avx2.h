/* dot_avx2.h - few columns: the AVX2 products of quantised weights that read each weight where it lies.
 *
 * A lone column is a matter of bytes and of instructions a byte. Of more columns up to four pass by together (dot_columns.h).
 *
 * Blocks of 256 go by one row at a time. Blocks of 32 go by four rows: their integer sums end side by side in one vector, so
 * that one conversion and one multiplication by the scales serve all four, the activations' scale is one broadcast, and
 * nothing is left to add up at the end of a row. Lanes are brought together by two unpackings and an addition, one cycle on
 * Zen 3, where hadd takes two. Rows beyond the last are the last row again, not stored.
 *
 * Overflow. maddubs adds two u8 * s8 products in int16. Activation codes lie in -127..127, so the largest is 2 * 128 * 127 =
 * 32512 (q8_0's -128). Codes of five bits leave room to add four products: 4 * 2 * 31 * 127 = 31496.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_DOT_AVX2_H
#define HARTREE_DOT_AVX2_H

#include "kernels/codes_avx2.h"
#include "kernels/dot_columns.h"

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

/* Four rows by some columns: pointers to blocks, and the products. */
struct dot_tile {
    const char *w[DOT_ROWS];
    const struct block_q8_a32 *x[DOT_COLS];
    float y[DOT_COLS][DOT_ROWS];
};

/* Lanes of a and b side by side, added by pairs: of either half [a0 + a2, b0 + b2, a1 + a3, b1 + b3]. */
KERNEL_INLINE __m256i dot_pair(__m256i a, __m256i b, const enum avx2_kind kind)
{
    const __m256i low = _mm256_unpacklo_epi32(a, b), high = _mm256_unpackhi_epi32(a, b);
    return kind == AVX2_SIGNED8 ? _mm256_add_epi32(low, high) : _mm256_add_epi16(low, high);
}

/* [a, b, c, d] of either half, from the pairs of a and b, and of c and d. */
KERNEL_INLINE __m256i dot_four(__m256i ab, __m256i cd, const enum avx2_kind kind)
{
    const __m256i low = _mm256_unpacklo_epi64(ab, cd), high = _mm256_unpackhi_epi64(ab, cd);
    return kind == AVX2_SIGNED8 ? _mm256_add_epi32(low, high)
                                : _mm256_madd_epi16(_mm256_add_epi16(low, high), _mm256_set1_epi16(1));
}

/* A row's products of one block, in int32 where int16 has no room for two of them. */
KERNEL_INLINE __m256i dot_products(__m256i q, __m256i size, const void *x, const enum avx2_kind kind)
{
    if (kind != AVX2_SIGNED8) return _mm256_maddubs_epi16(q, avx2_load(x));
    return _mm256_madd_epi16(_mm256_maddubs_epi16(size, _mm256_sign_epi8(avx2_load(x), q)), _mm256_set1_epi16(1));
}

/* Codes are 2^lift too high where they are lifted. While these rows are multiplied, what lies at `ahead`, which is the next
 * four where rows lie side by side, is asked for line by line: the four streams are short, and no hardware sees their next ones
 * coming. */
KERNEL_INLINE void dot_rows32(struct dot_tile *t, size_t blocks, uintptr_t ahead, const size_t w_block, avx2_codes32 *codes,
                              const enum avx2_kind kind, const int lift, const int cols)
{
    __m256 sum[DOT_COLS];
    __m128 offset[DOT_COLS];
    for (int c = 0; c < cols; c++) sum[c] = _mm256_setzero_ps(), offset[c] = _mm_setzero_ps();
    for (size_t b = 0; b < blocks; b++) {
        if (b % 2 == 0) {
            for (size_t i = 0; i < 2 * DOT_ROWS * w_block; i += 64) _mm_prefetch((const char *)(ahead + i), _MM_HINT_T0);
            ahead += 2 * DOT_ROWS * w_block;
        }
        __m256i p[DOT_COLS], pair[DOT_COLS][2];
#pragma GCC unroll 4
        for (int i = 0; i < DOT_ROWS; i++) {
            const __m256i q = codes(t->w[i]), size = _mm256_abs_epi8(q);
            for (int c = 0; c < cols; c++) {
                const __m256i v = dot_products(q, size, t->x[c]->qs, kind);
                __m256i *to = i % 2 ? &pair[c][i / 2] : &p[c];
                *to = i % 2 ? dot_pair(p[c], v, kind) : v;
                __asm__("" : "+x"(*to)); /* one row after the other: else gcc unpacks all four first, and spills them */
            }
        }
        const __m128 d = dot_f16(t->w, 0), m = kind == AVX2_MINIMUM ? dot_f16(t->w, 2) : d;
        for (int c = 0; c < cols; c++) {
            __m256i s = dot_four(pair[c][0], pair[c][1], kind);
            const __m256i all = _mm256_set1_epi32(t->x[c]->sum);
            /* Half of what lifted codes gave too much is taken off either half. */
            if (kind == AVX2_LIFTED) s = _mm256_sub_epi32(s, _mm256_slli_epi32(all, lift - 1));
            const __m128 dx = _mm_set1_ps(t->x[c]->d), scale = _mm_mul_ps(d, dx);
            sum[c] = _mm256_fmadd_ps(_mm256_set_m128(scale, scale), _mm256_cvtepi32_ps(s), sum[c]);
            if (kind == AVX2_MINIMUM)
                offset[c] = _mm_fmadd_ps(_mm_mul_ps(m, dx), _mm_cvtepi32_ps(_mm256_castsi256_si128(all)), offset[c]);
            t->x[c]++;
        }
        for (int i = 0; i < DOT_ROWS; i++) t->w[i] += w_block;
    }
    for (int c = 0; c < cols; c++) {
        const __m128 halves = _mm_add_ps(_mm256_castps256_ps128(sum[c]), _mm256_extractf128_ps(sum[c], 1));
        _mm_storeu_ps(t->y[c], kind == AVX2_MINIMUM ? _mm_add_ps(halves, offset[c]) : halves);
    }
}

KERNEL_INLINE void dot_strip32(const struct dot_args *a, size_t c, const int cols, const size_t w_block, avx2_codes32 *codes,
                               const enum avx2_kind kind, const int lift)
{
    for (size_t r = 0; r < a->rows; r += DOT_ROWS) {
        struct dot_tile t;
        size_t n = a->rows - r < DOT_ROWS ? a->rows - r : DOT_ROWS;
        for (size_t i = 0; i < DOT_ROWS; i++) t.w[i] = (const char *)a->w + (r + (i < n ? i : n - 1)) * a->w_stride;
        for (size_t i = 0; i < (size_t)cols; i++) t.x[i] = dot_column(a, c + i);
        dot_rows32(&t, a->n / 32, (uintptr_t)t.w[0] + DOT_ROWS * a->w_stride, w_block, codes, kind, lift, cols);
        for (size_t i = 0; i < (size_t)cols; i++) memcpy(a->y + (c + i) * a->ldy + r, t.y[i], n * sizeof *a->y);
    }
}

#define DOT_KERNEL_AVX2_32(prefix, isa, kind, lift, columns)                                                                   \
    DOT_KERNEL(prefix, isa, CPU_AVX2 | CPU_FMA | CPU_F16C, columns, dot_strip32, sizeof(struct block_##prefix),                \
               codes_##prefix, kind, lift)

/* ---- Blocks of 256 ---- */

/* One row by `cols` columns. The block's offset is dmin * <offset, bsums> where shift is AVX2_MINIMA, else codes are 2^shift
 * too high: <offset, bsums> << shift is taken off the integer sum. */
KERNEL_INLINE void dot_row256(const char *w, const struct block_q8_a256 *x[DOT_COLS], size_t blocks, float y[DOT_COLS],
                              const int cols, const size_t w_block, avx2_open256 *open, avx2_codes256 *codes, const int shift)
{
    __m256 sum[DOT_COLS];
    for (int i = 0; i < cols; i++) sum[i] = _mm256_setzero_ps();
    for (; blocks; blocks--, w += w_block) {
        dot_ahead(w, w_block);
        const struct avx2_block256 s = open(w);
        /* Even ones in the low half, odd ones in the high half: so one in-lane shuffle spreads those of 32 elements. */
        const __m128i even_odd = _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
        const __m256i scales = _mm256_cvtepi8_epi16(_mm_shuffle_epi8(s.scale, even_odd));
        __m256i p[DOT_COLS][2]; /* two chains of additions, where there is but one column */
        for (int i = 0; i < cols; i++) p[i][0] = p[i][1] = _mm256_setzero_si256();
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++) {
            const __m256i scale = _mm256_shuffle_epi8(scales, _mm256_set1_epi16((short)(0x0100 + 0x0202 * j)));
            const __m256i q = codes(w, j);
            for (int i = 0; i < cols; i++) {
                const __m256i v = _mm256_madd_epi16(_mm256_maddubs_epi16(q, avx2_load(x[i]->qs + 32 * j)), scale);
                p[i][cols == 1 && j % 2] = _mm256_add_epi32(p[i][cols == 1 && j % 2], v);
                if (cols > 1) __asm__("" : "+x"(p[i][0])); /* one after the other: else gcc unpacks ahead and spills */
            }
        }
        const __m256i offset = _mm256_cvtepi8_epi16(s.offset);
        for (int i = 0; i < cols; i++) {
            __m256i all = cols == 1 ? _mm256_add_epi32(p[i][0], p[i][1]) : p[i][0];
            const struct block_q8_a256 *v = x[i]++;
            const __m256i m = _mm256_madd_epi16(offset, avx2_load((const char *)v + offsetof(struct block_q8_a256, bsums)));
            if (shift != AVX2_MINIMA) all = _mm256_sub_epi32(all, _mm256_slli_epi32(m, shift));
            sum[i] = _mm256_fmadd_ps(_mm256_set1_ps(s.d * v->d), _mm256_cvtepi32_ps(all), sum[i]);
            if (shift == AVX2_MINIMA) sum[i] = _mm256_fnmadd_ps(_mm256_set1_ps(s.dmin * v->d), _mm256_cvtepi32_ps(m), sum[i]);
        }
    }
    for (int i = 0; i < cols; i++) y[i] = avx2_hsum(sum[i]);
}

/* One row by `cols` columns, of `blocks` blocks each. */
typedef void dot_row(const char *w, const struct block_q8_a256 *x[DOT_COLS], size_t blocks, float y[DOT_COLS], const int cols);

KERNEL_INLINE void dot_strip256(const struct dot_args *a, size_t c, const int cols, dot_row *row)
{
    for (size_t r = 0; r < a->rows; r++) {
        const struct block_q8_a256 *x[DOT_COLS];
        float y[DOT_COLS];
        for (size_t i = 0; i < (size_t)cols; i++) x[i] = dot_column(a, c + i);
        row((const char *)a->w + r * a->w_stride, x, a->n / 256, y, cols);
        for (size_t i = 0; i < (size_t)cols; i++) a->y[(c + i) * a->ldy + r] = y[i];
    }
}

/* A kernel and its row, of what multiplies one row: row256(w, x, blocks, y, cols, ...). */
#define DOT_KERNEL_256(prefix, isa, features, columns, row256, ...)                                                            \
    KERNEL_INLINE void prefix##_row(const char *w, const struct block_q8_a256 *x[DOT_COLS], size_t blocks, float y[DOT_COLS],  \
                                    const int cols)                                                                            \
    {                                                                                                                          \
        row256(w, x, blocks, y, cols, __VA_ARGS__);                                                                            \
    }                                                                                                                          \
    DOT_KERNEL(prefix, isa, features, columns, dot_strip256, prefix##_row)

#define DOT_KERNEL_AVX2_256(prefix, isa, shift, columns)                                                                       \
    DOT_KERNEL_256(prefix, isa, CPU_AVX2 | CPU_FMA | CPU_F16C, columns, dot_row256, sizeof(struct block_##prefix),             \
                   open_##prefix, codes_##prefix, shift)

#endif
