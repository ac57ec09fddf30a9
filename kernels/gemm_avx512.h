/* gemm_avx512.h - products with many columns by VNNI: a panel of 16 rows lies so that no sum crosses lanes.
 *
 * A panel holds 16 rows by a slice of k, packed once and then used for all columns:
 *
 *     codes[g]   row 0: k 4g .. 4g+3 | row 1: k 4g .. 4g+3 | ... | row 15      unsigned bytes, one register
 *     d, m       row 0               | row 1               | ... | row 15      a scale for each row, one register
 *
 * For a tile of 8 columns, codes[g] is loaded once and meets eight activation words, four codes of one column each, which every
 * lane gets: dpbusd adds the four products to the lane's, the row's, sum. So 64 multiply-adds cost one dpbusd and one load of
 * 4 bytes. Columns that are left make tiles of 4, 2 and 1, with the same operations for each output. y holds the partial sums
 * between slices; a slice and a tile's activations are small enough to stay in the first-level cache.
 *
 * Packing turns 16 bytes of each of 16 rows into four words of all rows by 16 loads and 8 shuffles, in the file's own packed
 * form, and takes codes and scales apart only then. Rows beyond the last are copies of it, whose results are not stored.
 * While one slice is multiplied, the next one's bytes are fetched into the second-level cache.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_GEMM_AVX512_H
#define HARTREE_GEMM_AVX512_H

#include "kernels/simd_avx512.h"

enum { GEMM_ROWS = 16, GEMM_COLS = 8 };

/* What is taken off or added to the products of a block: the minima m of each row times the activations' sums, or, where this
 * is a shift >= 0, codes are 2^shift too high. */
enum { GEMM_MINIMA = -1 };

/* ---- Packing ---- */

/* Four words of each row, from `at` bytes into it: w[j] = word j of rows 0 .. 15. */
AVX512_INLINE void gemm_words(const char *const row[GEMM_ROWS], size_t at, __m512i w[4])
{
    __m512i v[4]; /* rows i, 4 + i, 8 + i and 12 + i, 128 bits each */
    for (int i = 0; i < 4; i++) {
        v[i] = _mm512_castsi128_si512(avx512_load16(row[i] + at));
        v[i] = _mm512_inserti32x4(v[i], avx512_load16(row[4 + i] + at), 1);
        v[i] = _mm512_inserti32x4(v[i], avx512_load16(row[8 + i] + at), 2);
        v[i] = _mm512_inserti32x4(v[i], avx512_load16(row[12 + i] + at), 3);
    }
    const __m512i low01 = _mm512_unpacklo_epi32(v[0], v[1]), low23 = _mm512_unpacklo_epi32(v[2], v[3]);
    const __m512i high01 = _mm512_unpackhi_epi32(v[0], v[1]), high23 = _mm512_unpackhi_epi32(v[2], v[3]);
    w[0] = _mm512_unpacklo_epi64(low01, low23);
    w[1] = _mm512_unpackhi_epi64(low01, low23);
    w[2] = _mm512_unpacklo_epi64(high01, high23);
    w[3] = _mm512_unpackhi_epi64(high01, high23);
}

/* The f16 in each word's lower half. */
AVX512_INLINE __m512 gemm_f16_low(__m512i w)
{
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(w));
}

AVX512_INLINE __m512 gemm_f16_high(__m512i w)
{
    return gemm_f16_low(_mm512_srli_epi32(w, 16));
}

/* Four bits of each row, from bit `at` of its word on, as bytes 0 or 16: a fifth bit for four codes. */
AVX512_INLINE __m512i gemm_fifth_bits(__m512i bits, unsigned at)
{
    const __m512i spread = _mm512_setr_epi32(0, 0x10, 0x1000, 0x1010, 0x100000, 0x100010, 0x101000, 0x101010, 0x10000000,
                                             0x10000010, 0x10001000, 0x10001010, 0x10100000, 0x10100010, 0x10101000, 0x10101010);
    return _mm512_permutexvar_epi32(_mm512_srli_epi32(bits, at), spread); /* looks at an index's lowest four bits only */
}

/* ---- The walk ---- */

typedef void gemm_pack(void *block, const char *const row[GEMM_ROWS], size_t at); /* the block `at` bytes into each row */

struct gemm_tile {
    const void *panel;
    size_t blocks;
    const char *x;
    size_t x_stride;
    float *y;
    size_t ldy;
    __mmask16 rows;
    bool first; /* y holds nothing yet */
};
typedef void gemm_multiply(const struct gemm_tile *t);

/* Asks for `bytes` of rows i0 .. i1 - 1 of 16, from `at` bytes into each. Beyond the matrix this is a hint that goes unheard. */
AVX512_INLINE void gemm_ahead(const char *row, size_t stride, size_t i0, size_t i1, size_t at, size_t bytes)
{
    for (size_t i = i0; i < i1; i++)
        for (size_t b = 0; b < bytes; b += 64) _mm_prefetch((const char *)((uintptr_t)row + i * stride + at + b), _MM_HINT_T1);
}

/* All outputs, by panels of 16 rows and slices of slice_blocks blocks. `multiply` are the tiles of 8, 4, 2 and 1 columns. */
AVX512_INLINE void gemm_walk(const struct dot_args *a, void *panel, size_t panel_block_bytes, size_t slice_blocks, size_t block,
                             size_t w_bytes, size_t x_bytes, gemm_pack *pack, gemm_multiply *const multiply[4])
{
    const size_t blocks = a->n / block, tiles = (a->cols + GEMM_COLS - 1) / GEMM_COLS;
    for (size_t r = 0; r < a->rows; r += GEMM_ROWS) {
        const size_t n_rows = a->rows - r < GEMM_ROWS ? a->rows - r : GEMM_ROWS;
        const char *const w = (const char *)a->w + r * a->w_stride;
        const char *row[GEMM_ROWS];
        for (size_t i = 0; i < GEMM_ROWS; i++) row[i] = w + (i < n_rows ? i : n_rows - 1) * a->w_stride;
        size_t k = 0;
        do {
            const size_t n = blocks - k < slice_blocks ? blocks - k : slice_blocks;
            for (size_t b = 0; b < n; b++) pack((char *)panel + b * panel_block_bytes, row, (k + b) * w_bytes);
            const bool more = k + n < blocks;
            const char *ahead = more ? w : (const char *)((uintptr_t)w + GEMM_ROWS * a->w_stride);
            const size_t ahead_at = more ? (k + n) * w_bytes : 0;
            struct gemm_tile t = {.panel = panel,
                                  .blocks = n,
                                  .x_stride = a->x_stride,
                                  .ldy = a->ldy,
                                  .rows = (__mmask16)((1u << n_rows) - 1),
                                  .first = k == 0};
            for (size_t c = 0, i = 0, shape = 0; c < a->cols;) {
                if (c + (GEMM_COLS >> shape) > a->cols) {
                    shape++;
                    continue;
                }
                gemm_ahead(ahead, a->w_stride, GEMM_ROWS * i / tiles, GEMM_ROWS * (i + 1) / tiles, ahead_at, n * w_bytes);
                t.x = (const char *)a->x + c * a->x_stride + k * x_bytes;
                t.y = a->y + c * a->ldy + r;
                multiply[shape](&t);
                c += GEMM_COLS >> shape;
                i += i + 1 < tiles;
            }
            k += n;
        } while (k < blocks);
    }
}

AVX512_INLINE void gemm_load(const struct gemm_tile *t, __m512 sum[GEMM_COLS], const int nc)
{
    const __mmask16 rows = t->first ? 0 : t->rows;
    for (int i = 0; i < nc; i++) sum[i] = _mm512_maskz_loadu_ps(rows, t->y + (size_t)i * t->ldy);
}

AVX512_INLINE void gemm_store(const struct gemm_tile *t, const __m512 sum[GEMM_COLS], const int nc)
{
    for (int i = 0; i < nc; i++) _mm512_mask_storeu_ps(t->y + (size_t)i * t->ldy, t->rows, sum[i]);
}

/* A file's kernel and its row, of its `pack` and what its gemm_multiply takes. */
#define GEMM_KERNEL_AVX512(prefix, size, ...)                                                                                  \
    static void multiply_8(const struct gemm_tile *t) { gemm_multiply##size(t, 8, __VA_ARGS__); }                              \
    static void multiply_4(const struct gemm_tile *t) { gemm_multiply##size(t, 4, __VA_ARGS__); }                              \
    static void multiply_2(const struct gemm_tile *t) { gemm_multiply##size(t, 2, __VA_ARGS__); }                              \
    static void multiply_1(const struct gemm_tile *t) { gemm_multiply##size(t, 1, __VA_ARGS__); }                              \
    static void prefix##_gemm_avx512(const struct dot_args *a)                                                                 \
    {                                                                                                                          \
        struct gemm_block##size panel[GEMM_SLICE##size];                                                                       \
        static_assert(sizeof panel <= GEMM_PANEL_BYTES, "panel");                                                              \
        gemm_multiply *const multiply[] = {multiply_8, multiply_4, multiply_2, multiply_1};                                    \
        gemm_walk(a, panel, sizeof *panel, GEMM_SLICE##size, size, sizeof(struct block_##prefix),                              \
                  sizeof(struct block_q8_a##size), pack, multiply);                                                            \
    }                                                                                                                          \
    KERNEL(prefix##_gemm, avx512, .needs = AVX512_NEEDS)

/* ---- Blocks of 32: each has its scale, on either side ---- */

enum { GEMM_SLICE32 = 28 }; /* 896 elements: a panel of 18 KB, beside 9 KB of activations */

struct gemm_block32 {
    __m512i codes[8];
    __m512 d, m; /* m: where there are minima */
};

/* Per block and column: 8 dpbusd, and to scale what they give, 2 float multiplications, which share their two units, beside
 * 3 or 4 other operations, which do not. */
AVX512_INLINE void gemm_multiply32(const struct gemm_tile *t, const int nc, const int shift)
{
    const struct gemm_block32 *b = t->panel;
    const char *x = t->x;
    __m512 sum[GEMM_COLS];
    gemm_load(t, sum, nc);
    for (size_t k = 0; k < t->blocks; k++, b++, x += sizeof(struct block_q8_a32)) {
        __m512i p[GEMM_COLS];
        for (int i = 0; i < nc; i++) p[i] = _mm512_setzero_si512();
#pragma GCC unroll 8
        for (int g = 0; g < 8; g++) {
            const __m512i q = b->codes[g];
            for (int i = 0; i < nc; i++) {
                const struct block_q8_a32 *xb = (const struct block_q8_a32 *)(x + (size_t)i * t->x_stride);
                p[i] = _mm512_dpbusd_epi32(p[i], q, avx512_word(xb->qs + 4 * g));
            }
        }
        for (int i = 0; i < nc; i++) {
            const struct block_q8_a32 *xb = (const struct block_q8_a32 *)(x + (size_t)i * t->x_stride);
            const __m512i xs = avx512_word((const char *)xb + offsetof(struct block_q8_a32, sum));
            if (shift != GEMM_MINIMA) p[i] = _mm512_sub_epi32(p[i], _mm512_slli_epi32(xs, (unsigned)shift));
            __m512 v = _mm512_mul_ps(b->d, _mm512_cvtepi32_ps(p[i]));
            if (shift == GEMM_MINIMA) v = _mm512_fmadd_ps(b->m, _mm512_cvtepi32_ps(xs), v);
            sum[i] = _mm512_fmadd_ps(_mm512_set1_ps(xb->d), v, sum[i]);
        }
    }
    gemm_store(t, sum, nc);
}

/* Nibbles: byte j of a block holds codes j and 16 + j. */
AVX512_INLINE void gemm_nibbles(struct gemm_block32 *b, const __m512i w[4])
{
    for (int j = 0; j < 4; j++) {
        b->codes[j] = avx512_bits(w[j], 0, 15);
        b->codes[4 + j] = avx512_bits(w[j], -4, 15);
    }
}

AVX512_INLINE void gemm_add_fifth_bits(struct gemm_block32 *b, __m512i bits)
{
    for (int j = 0; j < 8; j++) b->codes[j] = _mm512_or_si512(b->codes[j], gemm_fifth_bits(bits, 4 * (unsigned)j));
}

/* ---- Blocks of 256: integer scales of sub-blocks of 32 or 16 within ---- */

enum { GEMM_SLICE256 = 3 }; /* 768 elements: a panel of 15 KB, beside 7 KB of activations */

struct gemm_block256 {
    __m512i codes[64];
    __m512i offset[8]; /* for each row two int16 in a word: what multiplies bsums 2j and 2j + 1 */
    __m128i scale[16]; /* for each row a byte, signed: the sub-block's scale; 8 of them where sub-blocks are of 32 */
    __m512 d, dmin;    /* dmin: where there are minima */
};

/* Adds <offset, bsums> to each of nc columns' words. */
AVX512_INLINE void gemm_offset256(const struct gemm_block256 *b, const char *x, size_t x_stride, const int nc, __m512i to[])
{
    x += offsetof(struct block_q8_a256, bsums);
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++)
        for (int i = 0; i < nc; i++)
            to[i] = _mm512_dpwssd_epi32(to[i], b->offset[j], avx512_word(x + (size_t)i * x_stride + 4 * j));
}

/* Where codes are too high, offset holds -scale * (how much), and sums begin with what it gives. Where there are minima, it
 * holds them. All of a block is added up in integers, exactly. Per block and column 64 dpbusd and 8 dpwssd, and a multiplication
 * and an addition a sub-block, for which there are other units. */
AVX512_INLINE void gemm_multiply256(const struct gemm_tile *t, const int nc, const int shift, const int sub)
{
    const struct gemm_block256 *b = t->panel;
    const char *x = t->x;
    __m512 sum[GEMM_COLS];
    gemm_load(t, sum, nc);
    for (size_t k = 0; k < t->blocks; k++, b++, x += sizeof(struct block_q8_a256)) {
        __m512i total[GEMM_COLS], least[GEMM_COLS];
        for (int i = 0; i < nc; i++) total[i] = _mm512_setzero_si512();
        if (shift != GEMM_MINIMA) gemm_offset256(b, x, t->x_stride, nc, total);
        const char *xq = x + offsetof(struct block_q8_a256, qs);
        const __m512i *q = b->codes;
#pragma GCC unroll 1
        for (int s = 0; s < 256 / sub; s++, q += sub / 4, xq += sub) {
            __m512i p[GEMM_COLS];
            for (int i = 0; i < nc; i++) p[i] = _mm512_setzero_si512();
#pragma GCC unroll 8
            for (int g = 0; g < sub / 4; g++)
                for (int i = 0; i < nc; i++)
                    p[i] = _mm512_dpbusd_epi32(p[i], q[g], avx512_word(xq + (size_t)i * t->x_stride + 4 * g));
            const __m512i scale = _mm512_cvtepi8_epi32(b->scale[s]);
            for (int i = 0; i < nc; i++) total[i] = _mm512_add_epi32(total[i], _mm512_mullo_epi32(p[i], scale));
        }
        for (int i = 0; i < nc; i++) least[i] = _mm512_setzero_si512();
        if (shift == GEMM_MINIMA) gemm_offset256(b, x, t->x_stride, nc, least);
        for (int i = 0; i < nc; i++) {
            __m512 v = _mm512_mul_ps(b->d, _mm512_cvtepi32_ps(total[i]));
            if (shift == GEMM_MINIMA) v = _mm512_fnmadd_ps(b->dmin, _mm512_cvtepi32_ps(least[i]), v);
            sum[i] = _mm512_fmadd_ps(_mm512_set1_ps(((const struct block_q8_a256 *)(x + (size_t)i * t->x_stride))->d), v, sum[i]);
        }
    }
    gemm_store(t, sum, nc);
}

/* Byte j of each word. */
AVX512_INLINE __m512i gemm_byte(__m512i w, int j)
{
    return _mm512_and_si512(_mm512_srli_epi32(w, 8 * (unsigned)j), _mm512_set1_epi32(255));
}

/* The scales of 16 sub-blocks, four in each row's word. */
AVX512_INLINE void gemm_scales16(struct gemm_block256 *b, const __m512i scales[4])
{
    for (int s = 0; s < 16; s++) b->scale[s] = _mm512_cvtepi32_epi8(_mm512_srli_epi32(scales[s / 4], 8 * (unsigned)(s % 4)));
}

/* Where codes are 2^shift too high: what the signed scales of 16 sub-blocks take off. */
AVX512_INLINE void gemm_too_high16(struct gemm_block256 *b, int shift)
{
    for (int j = 0; j < 8; j++) {
        const __m512i even = _mm512_cvtepi8_epi32(b->scale[2 * j]), odd = _mm512_cvtepi8_epi32(b->scale[2 * j + 1]);
        const __m512i pair = _mm512_or_si512(_mm512_slli_epi32(odd, 16), _mm512_and_si512(even, _mm512_set1_epi32(0xffff)));
        b->offset[j] = _mm512_sub_epi16(_mm512_setzero_si512(), _mm512_slli_epi16(pair, (unsigned)shift));
    }
}

/* q4_K's and q5_K's first 16 bytes: d and dmin, and in each of three words of four, 6-bit fields as blocks.h draws them. */
AVX512_INLINE void gemm_scales8(struct gemm_block256 *b, const char *const row[GEMM_ROWS], size_t at)
{
    const __m512i low6 = _mm512_set1_epi8(63), low4 = _mm512_set1_epi8(15), high2 = _mm512_set1_epi8(48);
    __m512i w[4];
    gemm_words(row, at, w);
    b->d = gemm_f16_low(w[0]);
    b->dmin = gemm_f16_high(w[0]);
    const __m512i scale[2] = {_mm512_and_si512(w[1], low6),
                              _mm512_or_si512(_mm512_and_si512(w[3], low4), _mm512_and_si512(_mm512_srli_epi32(w[1], 2), high2))};
    const __m512i least[2] = {_mm512_and_si512(w[2], low6),
                              _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi32(w[3], 4), low4),
                                              _mm512_and_si512(_mm512_srli_epi32(w[2], 2), high2))};
    for (int s = 0; s < 8; s++) {
        b->scale[s] = _mm512_cvtepi32_epi8(_mm512_srli_epi32(scale[s / 4], 8 * (unsigned)(s % 4)));
        const __m512i m = gemm_byte(least[s / 4], s % 4);
        b->offset[s] = _mm512_or_si512(m, _mm512_slli_epi32(m, 16)); /* two bsums share one minimum */
    }
}

#endif
