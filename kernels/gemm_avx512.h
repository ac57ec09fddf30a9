/* gemm_avx512.h - products with many columns by VNNI: panels of 16 rows lie so that no sum crosses lanes.
 *
 * A panel holds 16 rows by a slice of k, packed once and then used for all columns:
 *
 *     codes[g]   row 0: k 4g .. 4g+3 | row 1: k 4g .. 4g+3 | ... | row 15      unsigned bytes, one register
 *     d, m       row 0               | row 1               | ... | row 15      a scale for each row, one register
 *
 * A tile is three panels by 4 columns. Every lane gets a word of activations, four codes of a column; dpbusd adds the four
 * products to the lane's, the row's, sum: 64 multiply-adds. Twelve of these take 3 loads of codes and 4 of activations, where
 * Zen 4 fills one 512-bit register from memory a cycle, and 12 sums hide dpbusd's latency. Columns that are left make tiles of
 * 2 and 1, rows that are left one or two panels, with the same operations for each output. y holds the partial sums between
 * slices; a slice and a tile's activations are small enough to stay in the first-level cache.
 *
 * Packing turns 16 bytes of each of 16 rows into four words of all rows by 16 loads and 8 shuffles, in the file's own packed
 * form, and takes codes and scales apart only then. Rows beyond the last are copies of it, whose results are not stored.
 * While one slice is multiplied, the next one's bytes are fetched into the second-level cache.
 *
 * Share of the bound of one dpbusd a cycle, three panels by four columns, by llvm-mca for znver4 (dpbusd priced as an fma: its
 * model gives the register form two cycles, where one is measured): q4_K and q5_K 84 %, q2_K, q3_K and q6_K 76 %, q4_0, q5_0
 * and q8_0 75 %, q4_1 and q5_1 70 % where a broadcast from memory is a load; 68, 62, 60 and 58 % where it also takes a shuffle,
 * as the model has it. SPDX-License-Identifier: MIT */
#ifndef HARTREE_GEMM_AVX512_H
#define HARTREE_GEMM_AVX512_H

#include "kernels/simd_avx512.h"

enum { GEMM_ROWS = 16, GEMM_PANELS = 3, GEMM_COLS = 4 };
enum { GEMM_DEPTH = 384 }; /* elements, or what of it is whole blocks: panels of 23 KB, beside 2 KB of a tile's activations */

/* What is taken off or added to the products of a block: the minima m of each row times the activations' sums, or, where this
 * is a shift >= 0, codes are 2^shift too high. */
enum { GEMM_MINIMA = -1 };

/* ---- Packing ---- */

/* Four words of each row, from `at` bytes into it: w[j] = word j of rows 0 .. 15. */
KERNEL_INLINE void gemm_words(const char *const row[GEMM_ROWS], size_t at, __m512i w[4])
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
KERNEL_INLINE __m512 gemm_f16_low(__m512i w)
{
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(w));
}

KERNEL_INLINE __m512 gemm_f16_high(__m512i w)
{
    return gemm_f16_low(_mm512_srli_epi32(w, 16));
}

/* Four bits of each row, from bit `at` of its word on, as bytes 0 or 16: a fifth bit for four codes. */
KERNEL_INLINE __m512i gemm_fifth_bits(__m512i bits, unsigned at)
{
    const __m512i spread =
        _mm512_setr_epi32(0, 0x10, 0x1000, 0x1010, 0x100000, 0x100010, 0x101000, 0x101010, 0x10000000, 0x10000010, 0x10001000,
                          0x10001010, 0x10100000, 0x10100010, 0x10101000, 0x10101010);
    return _mm512_permutexvar_epi32(_mm512_srli_epi32(bits, at), spread); /* looks at an index's lowest four bits only */
}

/* ---- The walk ---- */

typedef void gemm_pack_fn(void *block, const char *const row[GEMM_ROWS], size_t at); /* the block `at` bytes into each row */

struct gemm_tile {
    const void *panels; /* block by block, GEMM_PANELS side by side */
    size_t blocks;
    const char *x;
    size_t x_stride;
    float *y;
    size_t ldy;
    uint64_t rows; /* a bit for each that there is */
    bool first;    /* y holds nothing yet */
};
typedef void gemm_tile_fn(const struct gemm_tile *t);

/* Tile shapes, by the number of columns. */
enum { GEMM_SHAPES = 3 };
static const uint8_t gemm_cols[GEMM_SHAPES] = {GEMM_COLS, 2, 1};

/* Asks for `bytes` of rows i0 .. i1 - 1, from `at` bytes into each. Beyond the matrix this is a hint that goes unheard. */
KERNEL_INLINE void gemm_ahead(const char *row, size_t stride, size_t i0, size_t i1, size_t at, size_t bytes)
{
    for (size_t i = i0; i < i1; i++)
        for (size_t b = 0; b < bytes; b += 64) _mm_prefetch((const char *)((uintptr_t)row + i * stride + at + b), _MM_HINT_T1);
}

/* What a type is to the walk: its blocks in the file, in a panel and in the activations, its slices, and its tiles by the
 * number of panels. */
struct gemm_type {
    size_t block, w_bytes, x_bytes, panel_bytes, slice_blocks;
    gemm_pack_fn *pack;
    gemm_tile_fn *multiply[GEMM_PANELS][GEMM_SHAPES];
};

/* All columns by the slice in t->panels. While they are multiplied, the GEMM_PANELS * GEMM_ROWS rows at `ahead` are fetched. */
KERNEL_INLINE void gemm_columns(const struct dot_args *a, gemm_tile_fn *const multiply[GEMM_SHAPES], struct gemm_tile t,
                                const char *ahead, size_t ahead_at, size_t ahead_bytes)
{
    const size_t rows = GEMM_PANELS * GEMM_ROWS;
    for (size_t c = 0, shape = 0; c < a->cols;) {
        const size_t nc = gemm_cols[shape];
        if (c + nc > a->cols) {
            shape++;
            continue;
        }
        gemm_ahead(ahead, a->w_stride, rows * c / a->cols, rows * (c + nc) / a->cols, ahead_at, ahead_bytes);
        multiply[shape](&t);
        c += nc;
        t.x += nc * a->x_stride;
        t.y += nc * a->ldy;
    }
}

KERNEL_INLINE void gemm_walk(const struct dot_args *a, void *panels, const struct gemm_type *type)
{
    const size_t blocks = a->n / type->block;
    for (size_t r = 0; r < a->rows; r += GEMM_PANELS * GEMM_ROWS) {
        const size_t left = a->rows - r, n_rows = left < GEMM_PANELS * GEMM_ROWS ? left : GEMM_PANELS * GEMM_ROWS;
        const size_t n_panels = (n_rows + GEMM_ROWS - 1) / GEMM_ROWS;
        const char *const w = (const char *)a->w + r * a->w_stride, *row[GEMM_PANELS * GEMM_ROWS];
        for (size_t i = 0; i < GEMM_PANELS * GEMM_ROWS; i++) row[i] = w + (i < n_rows ? i : n_rows - 1) * a->w_stride;
        size_t k = 0;
        do {
            const size_t n = blocks - k < type->slice_blocks ? blocks - k : type->slice_blocks;
            for (size_t b = 0; b < n; b++)
                for (size_t p = 0; p < n_panels; p++)
                    type->pack((char *)panels + (b * GEMM_PANELS + p) * type->panel_bytes, row + p * GEMM_ROWS,
                               (k + b) * type->w_bytes);
            const struct gemm_tile t = {.panels = panels,
                                        .blocks = n,
                                        .x = (const char *)a->x + k * type->x_bytes,
                                        .x_stride = a->x_stride,
                                        .y = a->y + r,
                                        .ldy = a->ldy,
                                        .rows = (UINT64_C(1) << n_rows) - 1,
                                        .first = k == 0};
            k += n;
            const char *next = k < blocks ? w : (const char *)((uintptr_t)w + GEMM_PANELS * GEMM_ROWS * a->w_stride);
            gemm_columns(a, type->multiply[n_panels - 1], t, next, k < blocks ? k * type->w_bytes : 0, n * type->w_bytes);
        } while (k < blocks);
    }
}

/* The 16 sums of a panel and a column so far. */
KERNEL_INLINE __m512 gemm_load(const struct gemm_tile *t, bool first, int panel, int column)
{
    const __mmask16 rows = first ? 0 : (__mmask16)(t->rows >> 16 * panel);
    return _mm512_maskz_loadu_ps(rows, t->y + (size_t)column * t->ldy + 16 * panel);
}

KERNEL_INLINE void gemm_store(const struct gemm_tile *t, int panel, int column, __m512 sum)
{
    _mm512_mask_storeu_ps(t->y + (size_t)column * t->ldy + 16 * panel, (__mmask16)(t->rows >> 16 * panel), sum);
}

/* A file's tile, kernel and row, of its `pack` and what else its gemm_tile takes. */
#define GEMM_TILE_AVX512(size, np, nc, ...)                                                                                    \
    static void multiply_##np##_##nc(const struct gemm_tile *t)                                                                \
    {                                                                                                                          \
        gemm_tile##size(t, np, nc, __VA_ARGS__);                                                                           \
    }
#define GEMM_KERNEL_AVX512(prefix, isa, size, ...)                                                                             \
    GEMM_TILE_AVX512(size, 1, 4, __VA_ARGS__)                                                                                  \
    GEMM_TILE_AVX512(size, 1, 2, __VA_ARGS__)                                                                                  \
    GEMM_TILE_AVX512(size, 1, 1, __VA_ARGS__)                                                                                  \
    GEMM_TILE_AVX512(size, 2, 4, __VA_ARGS__)                                                                                  \
    GEMM_TILE_AVX512(size, 2, 2, __VA_ARGS__)                                                                                  \
    GEMM_TILE_AVX512(size, 2, 1, __VA_ARGS__)                                                                                  \
    GEMM_TILE_AVX512(size, 3, 4, __VA_ARGS__)                                                                                  \
    GEMM_TILE_AVX512(size, 3, 2, __VA_ARGS__)                                                                                  \
    GEMM_TILE_AVX512(size, 3, 1, __VA_ARGS__)                                                                                  \
    static void prefix##_gemm_##isa(const struct dot_args *a)                                                                  \
    {                                                                                                                          \
        static const struct gemm_type type = {                                                                                 \
            .block = size,                                                                                                     \
            .w_bytes = sizeof(struct block_##prefix),                                                                          \
            .x_bytes = sizeof(struct block_q8_a##size),                                                                        \
            .panel_bytes = sizeof(struct gemm_block##size),                                                                    \
            .slice_blocks = GEMM_DEPTH / size,                                                                                 \
            .pack = pack,                                                                                                      \
            .multiply = {{multiply_1_4, multiply_1_2, multiply_1_1},                                                           \
                         {multiply_2_4, multiply_2_2, multiply_2_1},                                                           \
                         {multiply_3_4, multiply_3_2, multiply_3_1}},                                                          \
        };                                                                                                                     \
        struct gemm_block##size panels[GEMM_DEPTH / size][GEMM_PANELS];                                                        \
        static_assert(sizeof panels <= GEMM_PANEL_BYTES, "panels");                                                            \
        gemm_walk(a, panels, &type);                                                                                           \
    }                                                                                                                          \
    KERNEL(prefix##_gemm, isa, .needs = AVX512_NEEDS)

/* ---- Blocks of 32: each has its scale, on either side ---- */

struct gemm_block32 {
    __m512i codes[8];
    __m512 d, m; /* m: where there are minima */
};

/* Per block, panel and column: 8 dpbusd, and to scale what they give, 2 float multiplications on the same two units, beside
 * 3 or 4 operations on others. */
KERNEL_INLINE void gemm_tile32(const struct gemm_tile *t, const int np, const int nc, const int shift)
{
    const struct gemm_block32 *b = t->panels;
    const char *x = t->x;
    __m512 sum[GEMM_PANELS][GEMM_COLS];
    for (int i = 0; i < nc; i++)
        for (int j = 0; j < np; j++) sum[j][i] = gemm_load(t, t->first, j, i);
    for (size_t k = 0; k < t->blocks; k++, b += GEMM_PANELS, x += sizeof(struct block_q8_a32)) {
        __m512i p[GEMM_PANELS][GEMM_COLS], xs[GEMM_COLS];
        for (int i = 0; i < nc; i++) {
            xs[i] = avx512_word(x + (size_t)i * t->x_stride + offsetof(struct block_q8_a32, sum));
            const __m512i zero = _mm512_setzero_si512();
            for (int j = 0; j < np; j++)
                p[j][i] = shift == GEMM_MINIMA ? zero : _mm512_sub_epi32(zero, _mm512_slli_epi32(xs[i], (unsigned)shift));
        }
#pragma GCC unroll 8
        for (int g = 0; g < 8; g++)
            for (int i = 0; i < nc; i++) {
                const struct block_q8_a32 *xb = (const struct block_q8_a32 *)(x + (size_t)i * t->x_stride);
                const __m512i q = avx512_word(xb->qs + 4 * g);
                for (int j = 0; j < np; j++) p[j][i] = _mm512_dpbusd_epi32(p[j][i], b[j].codes[g], q);
            }
        for (int i = 0; i < nc; i++) {
            const struct block_q8_a32 *xb = (const struct block_q8_a32 *)(x + (size_t)i * t->x_stride);
            const __m512 d = _mm512_set1_ps(xb->d);
            for (int j = 0; j < np; j++) {
                __m512 v = _mm512_mul_ps(b[j].d, _mm512_cvtepi32_ps(p[j][i]));
                if (shift == GEMM_MINIMA) v = _mm512_fmadd_ps(b[j].m, _mm512_cvtepi32_ps(xs[i]), v);
                sum[j][i] = _mm512_fmadd_ps(d, v, sum[j][i]);
            }
        }
    }
    for (int i = 0; i < nc; i++)
        for (int j = 0; j < np; j++) gemm_store(t, j, i, sum[j][i]);
}

/* Nibbles: byte j of a block holds codes j and 16 + j. */
KERNEL_INLINE void gemm_nibbles(struct gemm_block32 *b, const __m512i w[4])
{
    for (int j = 0; j < 4; j++) {
        b->codes[j] = avx512_bits(w[j], 0, 15);
        b->codes[4 + j] = avx512_bits(w[j], -4, 15);
    }
}

KERNEL_INLINE void gemm_add_fifth_bits(struct gemm_block32 *b, __m512i bits)
{
    for (int j = 0; j < 8; j++) b->codes[j] = _mm512_or_si512(b->codes[j], gemm_fifth_bits(bits, 4 * (unsigned)j));
}

/* ---- Blocks of 256: integer scales of sub-blocks of 32 or 16 within ---- */

struct gemm_block256 {
    __m512i codes[64];
    __m512i offset[8]; /* for each row two int16 in a word: what multiplies the sums of sub-blocks 2j and 2j + 1 */
    __m128i scale[16]; /* for each row a byte, signed: the sub-block's scale. Sub-blocks of 32: the first half of both */
    __m512 d, dmin;    /* dmin: where there are minima */
};

/* The sums of an activation block's sub-blocks: bsums as they are, or by twos. */
KERNEL_INLINE void gemm_sums(const char *x, const int sub, int16_t sums[16])
{
    const __m256i v = _mm256_loadu_si256((const __m256i *)(x + offsetof(struct block_q8_a256, bsums)));
    const __m256i twos = _mm256_madd_epi16(v, _mm256_set1_epi16(1));
    if (sub == 16)
        _mm256_storeu_si256((__m256i *)sums, v);
    else
        _mm_storeu_si128((__m128i *)sums, _mm_packs_epi32(_mm256_castsi256_si128(twos), _mm256_extracti128_si256(twos, 1)));
}

/* <offset, sums> of each column. */
KERNEL_INLINE void gemm_offset256(const struct gemm_block256 *b, const char *x, size_t x_stride, const int np, const int nc,
                                  const int sub, __m512i to[GEMM_PANELS][GEMM_COLS])
{
    int16_t sums[GEMM_COLS][16];
    for (int i = 0; i < nc; i++) {
        gemm_sums(x + (size_t)i * x_stride, sub, sums[i]);
        for (int j = 0; j < np; j++) to[j][i] = _mm512_setzero_si512();
    }
#pragma GCC unroll 8
    for (int o = 0; o < 128 / sub; o++)
        for (int i = 0; i < nc; i++) {
            const __m512i pair = avx512_word(sums[i] + 2 * o);
            for (int j = 0; j < np; j++) to[j][i] = _mm512_dpwssd_epi32(to[j][i], b[j].offset[o], pair);
        }
}

/* Where codes are too high, offset holds -scale * (how much), and a block's sums begin with what it gives. Where there are
 * minima, it holds them. All of a block is added up in integers, exactly. Per block, panel and column 64 dpbusd and 4 or 8
 * dpwssd, and a multiplication and an addition a sub-block, for which there are other units. */
KERNEL_INLINE void gemm_tile256(const struct gemm_tile *t, const int np, const int nc, const int shift, const int sub)
{
    const struct gemm_block256 *b = t->panels;
    const char *x = t->x;
    bool first = t->first;
    for (size_t k = 0; k < t->blocks; k++, b += GEMM_PANELS, x += sizeof(struct block_q8_a256), first = false) {
        __m512i total[GEMM_PANELS][GEMM_COLS], least[GEMM_PANELS][GEMM_COLS];
        for (int i = 0; i < nc; i++)
            for (int j = 0; j < np; j++) total[j][i] = _mm512_setzero_si512();
        if (shift != GEMM_MINIMA) gemm_offset256(b, x, t->x_stride, np, nc, sub, total);
        const char *xq = x + offsetof(struct block_q8_a256, qs);
#pragma GCC unroll 1
        for (int s = 0; s < 256 / sub; s++, xq += sub) {
            __m512i p[GEMM_PANELS][GEMM_COLS];
            for (int i = 0; i < nc; i++)
                for (int j = 0; j < np; j++) p[j][i] = _mm512_setzero_si512();
#pragma GCC unroll 8
            for (int g = 0; g < sub / 4; g++)
                for (int i = 0; i < nc; i++) {
                    const __m512i q = avx512_word(xq + (size_t)i * t->x_stride + 4 * g);
                    for (int j = 0; j < np; j++) p[j][i] = _mm512_dpbusd_epi32(p[j][i], b[j].codes[s * (sub / 4) + g], q);
                }
            for (int j = 0; j < np; j++) {
                const __m512i scale = _mm512_cvtepi8_epi32(b[j].scale[s]);
                for (int i = 0; i < nc; i++) total[j][i] = _mm512_add_epi32(total[j][i], _mm512_mullo_epi32(p[j][i], scale));
            }
        }
        if (shift == GEMM_MINIMA) gemm_offset256(b, x, t->x_stride, np, nc, sub, least);
        for (int i = 0; i < nc; i++) {
            const __m512 d = _mm512_set1_ps(((const struct block_q8_a256 *)(x + (size_t)i * t->x_stride))->d);
            for (int j = 0; j < np; j++) {
                __m512 v = _mm512_mul_ps(b[j].d, _mm512_cvtepi32_ps(total[j][i]));
                if (shift == GEMM_MINIMA) v = _mm512_fnmadd_ps(b[j].dmin, _mm512_cvtepi32_ps(least[j][i]), v);
                gemm_store(t, j, i, _mm512_fmadd_ps(d, v, gemm_load(t, first, j, i)));
            }
        }
    }
    if (t->blocks == 0) /* a row of no elements */
        for (int i = 0; i < nc; i++)
            for (int j = 0; j < np; j++) gemm_store(t, j, i, _mm512_setzero_ps());
}

/* Bytes 2j and 2j + 1 of each word, unsigned, as the two halves of a word. */
KERNEL_INLINE __m512i gemm_pair(__m512i w, int j)
{
    w = _mm512_srli_epi32(w, 16 * (unsigned)j);
    return _mm512_or_si512(_mm512_and_si512(w, _mm512_set1_epi32(255)),
                           _mm512_and_si512(_mm512_slli_epi32(w, 8), _mm512_set1_epi32(255 << 16)));
}

/* The scales of 16 sub-blocks, four in each row's word. */
KERNEL_INLINE void gemm_scales16(struct gemm_block256 *b, const __m512i scales[4])
{
    for (int s = 0; s < 16; s++) b->scale[s] = _mm512_cvtepi32_epi8(_mm512_srli_epi32(scales[s / 4], 8 * (unsigned)(s % 4)));
}

/* Where codes are 2^shift too high: what the signed scales of 16 sub-blocks take off. */
KERNEL_INLINE void gemm_too_high16(struct gemm_block256 *b, int shift)
{
    for (int j = 0; j < 8; j++) {
        const __m512i even = _mm512_cvtepi8_epi32(b->scale[2 * j]), odd = _mm512_cvtepi8_epi32(b->scale[2 * j + 1]);
        const __m512i pair = _mm512_or_si512(_mm512_slli_epi32(odd, 16), _mm512_and_si512(even, _mm512_set1_epi32(0xffff)));
        b->offset[j] = _mm512_sub_epi16(_mm512_setzero_si512(), _mm512_slli_epi16(pair, (unsigned)shift));
    }
}

/* q4_K's and q5_K's first 16 bytes: d and dmin, and in each of three words of four, 6-bit fields as blocks.h draws them. */
KERNEL_INLINE void gemm_scales8(struct gemm_block256 *b, const char *const row[GEMM_ROWS], size_t at)
{
    const __m512i low6 = _mm512_set1_epi8(63), low4 = _mm512_set1_epi8(15), high2 = _mm512_set1_epi8(48);
    __m512i w[4];
    gemm_words(row, at, w);
    b->d = gemm_f16_low(w[0]);
    b->dmin = gemm_f16_high(w[0]);
    const __m512i scale[2] = {
        _mm512_and_si512(w[1], low6),
        _mm512_or_si512(_mm512_and_si512(w[3], low4), _mm512_and_si512(_mm512_srli_epi32(w[1], 2), high2))};
    const __m512i least[2] = {_mm512_and_si512(w[2], low6),
                              _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi32(w[3], 4), low4),
                                              _mm512_and_si512(_mm512_srli_epi32(w[2], 2), high2))};
    for (int s = 0; s < 8; s++) b->scale[s] = _mm512_cvtepi32_epi8(_mm512_srli_epi32(scale[s / 4], 8 * (unsigned)(s % 4)));
    for (int o = 0; o < 4; o++) b->offset[o] = gemm_pair(least[o / 2], o % 2);
}

#endif
