/* gemm_avx2.h - many columns: the AVX2 products of quantised weights that unpack once for all of them.
 *
 * Panels. Sixteen rows of weights, a slice of at most GEMM_DEPTH elements of each, are unpacked to one byte a code and laid so
 * that one vector holds four consecutive elements of each of eight rows:
 *
 *     q[k / 4][half][8 rows][4 bytes]      row 0         row 1              row 7
 *                                       [k k+1 k+2 k+3][k k+1 k+2 k+3] ... [k k+1 k+2 k+3]
 *
 * Four elements of an activation row are then one 32-bit word, broadcast; maddubs multiplies, int16 lanes add up, and no sum
 * crosses lanes but for the last madd, which also applies the scale of a sub-block: scales lie beside the codes as vectors of
 * the same eight rows. The panel stays in the first-level cache while all columns pass by, four at a time.
 *
 * Peak. Two vectors of weights by four columns: a step of four k takes 8 maddubs, 8 additions, 4 broadcasts and 2 loads for
 * 256 multiply-adds. With two multiplying and four vector pipes (Zen 3) that is 4 cycles; the loads take 3.
 *
 * Overflow. A lane of int16 adds `steps` times two products code * x, |x| <= 127: 8 * 2 * 15 * 127 = 30480 for four bits,
 * 4 * 2 * 31 * 127 = 31496 for five, 2 * 2 * 63 * 127 = 32004 for six.
 *
 * Rows beyond the last are the last row again, columns beyond the last the last column: their results are not stored. So there
 * is one tile shape, and an output's bits depend on nothing beside it.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_GEMM_AVX2_H
#define HARTREE_GEMM_AVX2_H

#include "kernels/codes_avx2.h"

enum { GEMM_ROWS = 16, GEMM_COLS = 4, GEMM_DEPTH = 1024 };

/* ---- Laying out ---- */

/* v[i] holds eight words of row i; out[j] gets word j of the eight rows. */
KERNEL_INLINE void gemm_transpose(const __m256i v[8], void *out, size_t stride)
{
    __m256i t[8], u[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_epi32(v[i], v[i + 1]);
        t[i + 1] = _mm256_unpackhi_epi32(v[i], v[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        u[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
        u[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
        u[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
        u[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        const __m256i low = _mm256_permute2x128_si256(u[i], u[i + 4], 0x20);
        const __m256i high = _mm256_permute2x128_si256(u[i], u[i + 4], 0x31);
        _mm256_store_si256((__m256i *)((char *)out + (size_t)i * stride), low);
        _mm256_store_si256((__m256i *)((char *)out + (size_t)(i + 4) * stride), high);
    }
}

/* ---- The walk over panels, slices and columns ---- */

struct gemm_tile {
    const char *x[GEMM_COLS]; /* activation rows, at the slice's beginning */
    __m256 sum[2][GEMM_COLS]; /* of 16 rows each */
};

typedef void gemm_pack_fn(void *panel, const char *const w[GEMM_ROWS], size_t n);
typedef void gemm_tile_fn(const void *panel, size_t n, struct gemm_tile *t);

/* Sums of `rows` rows at y: loaded, stored. Whole panels take the first way. */
KERNEL_INLINE void gemm_load(__m256 sum[2][GEMM_COLS], int t, const float *y, size_t rows)
{
    float buffer[GEMM_ROWS] = {0};
    if (rows < GEMM_ROWS) y = memcpy(buffer, y, rows * sizeof *y);
    sum[0][t] = _mm256_loadu_ps(y);
    sum[1][t] = _mm256_loadu_ps(y + 8);
}

KERNEL_INLINE void gemm_store(float *y, __m256 sum[2][GEMM_COLS], int t, size_t rows)
{
    float buffer[GEMM_ROWS], *to = rows < GEMM_ROWS ? buffer : y;
    _mm256_storeu_ps(to, sum[0][t]);
    _mm256_storeu_ps(to + 8, sum[1][t]);
    if (rows < GEMM_ROWS) memcpy(y, buffer, rows * sizeof *y);
}

/* All columns by one panel, from element k on. */
KERNEL_INLINE void gemm_columns(const struct dot_args *a, const void *panel, size_t r, size_t rows, size_t k, size_t n,
                                size_t x_at, gemm_tile_fn *multiply)
{
    for (size_t c = 0; c < a->cols; c += GEMM_COLS) {
        struct gemm_tile t;
        size_t cols = a->cols - c < GEMM_COLS ? a->cols - c : GEMM_COLS;
        for (size_t i = 0; i < GEMM_COLS; i++) {
            t.x[i] = (const char *)a->x + (c + (i < cols ? i : cols - 1)) * a->x_stride + x_at;
            t.sum[0][i] = t.sum[1][i] = _mm256_setzero_ps();
            if (k && i < cols) gemm_load(t.sum, (int)i, a->y + (c + i) * a->ldy + r, rows);
        }
        multiply(panel, n, &t);
        for (size_t i = 0; i < cols; i++) gemm_store(a->y + (c + i) * a->ldy + r, t.sum, (int)i, rows);
    }
}

/* w_block, x_block: bytes of a block of `block` elements of either side. */
KERNEL_INLINE void gemm_walk(const struct dot_args *a, void *panel, size_t block, size_t w_block, size_t x_block,
                             gemm_pack_fn *pack, gemm_tile_fn *multiply)
{
    size_t slices = (a->n + GEMM_DEPTH - 1) / GEMM_DEPTH, blocks = a->n / block;
    for (size_t r = 0; r < a->rows; r += GEMM_ROWS) {
        size_t rows = a->rows - r < GEMM_ROWS ? a->rows - r : GEMM_ROWS;
        for (size_t s = 0; s < slices; s++) {
            size_t first = blocks * s / slices, end = blocks * (s + 1) / slices;
            const char *w[GEMM_ROWS];
            for (size_t i = 0; i < GEMM_ROWS; i++)
                w[i] = (const char *)a->w + (r + (i < rows ? i : rows - 1)) * a->w_stride + first * w_block;
            pack(panel, w, end - first);
            gemm_columns(a, panel, r, rows, first * block, end - first, first * x_block, multiply);
        }
        if (!slices)
            for (size_t c = 0; c < a->cols; c++) memset(a->y + c * a->ldy + r, 0, rows * sizeof *a->y);
    }
}

/* ---- Products ---- */

KERNEL_INLINE __m256i gemm_word(const void *p)
{
    int32_t word;
    memcpy(&word, p, sizeof word);
    return _mm256_set1_epi32(word);
}

/* Left alone, gcc multiplies first and adds later, and spills what it has multiplied. */
#define GEMM_IN_ORDER(v) __asm__ volatile("" : "+x"(v))

/* part = products of `steps` steps of four elements, added up in int16; q: the panel's codes, x: of each column. */
KERNEL_INLINE void gemm_steps(__m256i part[2][GEMM_COLS], const uint8_t q[][GEMM_ROWS][4], const int8_t *const x[GEMM_COLS],
                              const int steps)
{
#pragma GCC unroll 8
    for (int i = 0; i < steps; i++) {
        const __m256i w0 = avx2_load(q[i][0]), w1 = avx2_load(q[i][8]);
#pragma GCC unroll 4
        for (int t = 0; t < GEMM_COLS; t++) {
            const __m256i v = gemm_word(x[t] + 4 * i), p0 = _mm256_maddubs_epi16(w0, v), p1 = _mm256_maddubs_epi16(w1, v);
            part[0][t] = i ? _mm256_add_epi16(part[0][t], p0) : p0;
            part[1][t] = i ? _mm256_add_epi16(part[1][t], p1) : p1;
            GEMM_IN_ORDER(part[0][t]);
            GEMM_IN_ORDER(part[1][t]);
        }
    }
}

/* ---- Blocks of 256 ---- */

/* Sub-blocks of 32 use the first halves of offset and scale. */
struct gemm_panel256 {
    float d[GEMM_ROWS], dmin[GEMM_ROWS];
    int16_t offset[8][GEMM_ROWS][2]; /* of two sub-blocks: what their sums are multiplied by */
    int16_t scale[16][GEMM_ROWS][2]; /* of a sub-block, twice */
    uint8_t q[64][GEMM_ROWS][4];
};

static_assert(GEMM_DEPTH / 256 * sizeof(struct gemm_panel256) <= (size_t)GEMM_PANEL_BYTES, "a slice of a panel");

KERNEL_INLINE void gemm_pack256(struct gemm_panel256 *p, const char *const w[GEMM_ROWS], size_t blocks, const size_t w_block,
                                const int sub, avx2_open256 *open, avx2_codes256 *codes)
{
    for (size_t b = 0; b < blocks; b++, p++) {
        for (int h = 0; h < 2; h++) {
            const char *row[8];
            __m256i v[8], low[8], high[8];
            for (int i = 0; i < 8; i++) {
                row[i] = w[8 * h + i] + b * w_block;
                const struct avx2_block256 s = open(row[i]);
                p->d[8 * h + i] = s.d;
                p->dmin[8 * h + i] = s.dmin;
                v[i] = sub == 32 ? _mm256_castsi128_si256(_mm_srli_epi16(s.offset, 8)) : _mm256_cvtepi8_epi16(s.offset);
                low[i] = _mm256_cvtepi8_epi16(sub == 32 ? s.scale : _mm_unpacklo_epi8(s.scale, s.scale));
                high[i] = _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(s.scale, s.scale));
            }
            gemm_transpose(v, p->offset[0][8 * h], sizeof p->offset[0]);
            gemm_transpose(low, p->scale[0][8 * h], sizeof p->scale[0]);
            if (sub == 16) gemm_transpose(high, p->scale[8][8 * h], sizeof p->scale[0]);
            for (int j = 0; j < 8; j++) {
                for (int i = 0; i < 8; i++) v[i] = codes(row[i], j);
                gemm_transpose(v, p->q[8 * j][8 * h], sizeof p->q[0]);
            }
        }
    }
}

/* `sub` elements share a scale; the products of `steps` steps of four elements fit an int16. `shift`: as in dot_row256 of
 * dot_avx2.h. */
KERNEL_INLINE void gemm_tile256(const struct gemm_panel256 *p, size_t blocks, struct gemm_tile *tile, const int sub,
                                    const int steps, const int shift)
{
    for (size_t b = 0; b < blocks; b++, p++) {
        const struct block_q8_a256 *x[GEMM_COLS];
        __m256i sum[2][GEMM_COLS], least[2][GEMM_COLS];
        _Alignas(16) int16_t sums[GEMM_COLS][16]; /* of sub-blocks */
        for (int t = 0; t < GEMM_COLS; t++) {
            x[t] = (const struct block_q8_a256 *)tile->x[t] + b;
            const __m128i *s = (const __m128i *)((const char *)x[t] + offsetof(struct block_q8_a256, bsums));
            const __m128i s0 = _mm_loadu_si128(s), s1 = _mm_loadu_si128(s + 1);
            _mm_store_si128((__m128i *)sums[t], sub == 32 ? _mm_hadd_epi16(s0, s1) : s0);
            _mm_store_si128((__m128i *)sums[t] + 1, s1);
            for (int h = 0; h < 2; h++) sum[h][t] = least[h][t] = _mm256_setzero_si256();
        }
        for (int j = 0; j < 128 / sub; j++) {
            const __m256i w0 = avx2_load(p->offset[j][0]), w1 = avx2_load(p->offset[j][8]);
            for (int t = 0; t < GEMM_COLS; t++) {
                const __m256i v = gemm_word(&sums[t][2 * j]);
                least[0][t] = _mm256_add_epi32(least[0][t], _mm256_madd_epi16(w0, v));
                least[1][t] = _mm256_add_epi32(least[1][t], _mm256_madd_epi16(w1, v));
            }
        }
        for (int s = 0; s < 256 / sub; s++) {
            const __m256i scale[2] = {avx2_load(p->scale[s][0]), avx2_load(p->scale[s][8])};
            for (int g = 0; g < sub / 4; g += steps) {
                __m256i part[2][GEMM_COLS];
                const int k = s * (sub / 4) + g;
                const int8_t *q[GEMM_COLS];
                for (int t = 0; t < GEMM_COLS; t++) q[t] = x[t]->qs + 4 * k;
                gemm_steps(part, p->q + k, q, steps);
                for (int h = 0; h < 2; h++)
                    for (int t = 0; t < GEMM_COLS; t++)
                        sum[h][t] = _mm256_add_epi32(sum[h][t], _mm256_madd_epi16(part[h][t], scale[h]));
            }
        }
        for (int h = 0; h < 2; h++) {
            const __m256 d = _mm256_load_ps(p->d + 8 * h), dmin = _mm256_load_ps(p->dmin + 8 * h);
            for (int t = 0; t < GEMM_COLS; t++) {
                if (shift != AVX2_MINIMA) sum[h][t] = _mm256_sub_epi32(sum[h][t], _mm256_slli_epi32(least[h][t], shift));
                __m256 v = _mm256_mul_ps(d, _mm256_cvtepi32_ps(sum[h][t]));
                if (shift == AVX2_MINIMA) v = _mm256_fnmadd_ps(dmin, _mm256_cvtepi32_ps(least[h][t]), v);
                tile->sum[h][t] = _mm256_fmadd_ps(_mm256_set1_ps(x[t]->d), v, tile->sum[h][t]);
            }
        }
    }
}

/* A file's kernel and its row: `open_block` and `codes` unpack blocks of the type. */
#define GEMM_KERNEL_AVX2_256(prefix, isa, sub, steps, shift)                                                                   \
    static_assert((sub) / 4 % (steps) == 0, "steps make up a sub-block");                                                     \
    static void pack(void *panel, const char *const w[GEMM_ROWS], size_t n)                                                    \
    {                                                                                                                          \
        gemm_pack256(panel, w, n, sizeof(struct block_##prefix), sub, open_##prefix, codes_##prefix);                          \
    }                                                                                                                          \
    static void multiply(const void *panel, size_t n, struct gemm_tile *t)                                                     \
    {                                                                                                                          \
        gemm_tile256(panel, n, t, sub, steps, shift);                                                                      \
    }                                                                                                                          \
    static void prefix##_gemm_##isa(const struct dot_args *a)                                                                  \
    {                                                                                                                          \
        _Alignas(64) struct gemm_panel256 panel[GEMM_DEPTH / 256];                                                             \
        gemm_walk(a, panel, 256, sizeof(struct block_##prefix), sizeof(struct block_q8_a256), pack, multiply);                 \
    }                                                                                                                          \
    KERNEL(prefix##_gemm, isa, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C)

/* ---- Blocks of 32 ---- */

struct gemm_panel32 {
    float d[GEMM_ROWS], m[GEMM_ROWS];
    uint8_t q[8][GEMM_ROWS][4];
};

static_assert(GEMM_DEPTH / 32 * sizeof(struct gemm_panel32) <= (size_t)GEMM_PANEL_BYTES, "a slice of a panel");

KERNEL_INLINE void gemm_pack32(struct gemm_panel32 *p, const char *const w[GEMM_ROWS], size_t blocks, const size_t w_block,
                               avx2_codes32 *codes, const enum avx2_kind kind)
{
    for (size_t b = 0; b < blocks; b++, p++) {
        for (int h = 0; h < 2; h++) {
            __m256i v[8];
            uint16_t d[8], m[8];
            for (int i = 0; i < 8; i++) {
                const char *block = w[8 * h + i] + b * w_block;
                memcpy(&d[i], block, sizeof d[i]);
                memcpy(&m[i], block + 2, sizeof m[i]);
                v[i] = codes(block);
            }
            gemm_transpose(v, p->q[0][8 * h], sizeof p->q[0]);
            _mm256_store_ps(p->d + 8 * h, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)d)));
            if (kind == AVX2_MINIMUM) _mm256_store_ps(p->m + 8 * h, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)m)));
        }
    }
}

/* The block's sums of codes of at most five bits. */
KERNEL_INLINE void gemm_sums5(__m256i sum[2][GEMM_COLS], const struct gemm_panel32 *p, const int8_t *const x[GEMM_COLS])
{
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i part[2][GEMM_COLS];
    const int8_t *second[GEMM_COLS];
    gemm_steps(part, p->q, x, 4);
    for (int t = 0; t < GEMM_COLS; t++) {
        second[t] = x[t] + 16;
        for (int h = 0; h < 2; h++) sum[h][t] = _mm256_madd_epi16(part[h][t], ones);
    }
    gemm_steps(part, p->q + 4, second, 4);
    for (int t = 0; t < GEMM_COLS; t++)
        for (int h = 0; h < 2; h++) sum[h][t] = _mm256_add_epi32(sum[h][t], _mm256_madd_epi16(part[h][t], ones));
}

/* Eight bits: |code| times x with the code's sign; two products fill an int16. */
KERNEL_INLINE void gemm_sums8(__m256i sum[2][GEMM_COLS], const struct gemm_panel32 *p, const int8_t *const x[GEMM_COLS])
{
    const __m256i ones = _mm256_set1_epi16(1);
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        const __m256i w[2] = {avx2_load(p->q[i][0]), avx2_load(p->q[i][8])};
        const __m256i size[2] = {_mm256_abs_epi8(w[0]), _mm256_abs_epi8(w[1])};
#pragma GCC unroll 4
        for (int t = 0; t < GEMM_COLS; t++) {
            const __m256i v = gemm_word(x[t] + 4 * i);
#pragma GCC unroll 2
            for (int h = 0; h < 2; h++) {
                const __m256i s = _mm256_madd_epi16(_mm256_maddubs_epi16(size[h], _mm256_sign_epi8(v, w[h])), ones);
                sum[h][t] = i ? _mm256_add_epi32(sum[h][t], s) : s;
                GEMM_IN_ORDER(sum[h][t]);
            }
        }
    }
}

KERNEL_INLINE void gemm_tile32(const struct gemm_panel32 *p, size_t blocks, struct gemm_tile *tile, const enum avx2_kind kind,
                                   const int lift)
{
    for (size_t b = 0; b < blocks; b++, p++) {
        const struct block_q8_a32 *x[GEMM_COLS];
        const int8_t *q[GEMM_COLS];
        __m256i sum[2][GEMM_COLS];
        for (int t = 0; t < GEMM_COLS; t++) {
            x[t] = (const struct block_q8_a32 *)tile->x[t] + b;
            q[t] = x[t]->qs;
        }
        if (kind == AVX2_SIGNED8) gemm_sums8(sum, p, q);
        else gemm_sums5(sum, p, q);
        for (int t = 0; t < GEMM_COLS; t++) {
            const __m256i all = _mm256_set1_epi32(x[t]->sum), lifted = _mm256_slli_epi32(all, lift);
            const __m256 dx = _mm256_set1_ps(x[t]->d), s = _mm256_mul_ps(dx, _mm256_cvtepi32_ps(all));
            for (int h = 0; h < 2; h++) {
                if (kind == AVX2_LIFTED) sum[h][t] = _mm256_sub_epi32(sum[h][t], lifted);
                const __m256 v = _mm256_mul_ps(dx, _mm256_cvtepi32_ps(sum[h][t]));
                tile->sum[h][t] = _mm256_fmadd_ps(_mm256_load_ps(p->d + 8 * h), v, tile->sum[h][t]);
                if (kind == AVX2_MINIMUM)
                    tile->sum[h][t] = _mm256_fmadd_ps(_mm256_load_ps(p->m + 8 * h), s, tile->sum[h][t]);
            }
        }
    }
}

#define GEMM_KERNEL_AVX2_32(prefix, isa, kind, lift)                                                                           \
    static void pack(void *panel, const char *const w[GEMM_ROWS], size_t n)                                                    \
    {                                                                                                                          \
        gemm_pack32(panel, w, n, sizeof(struct block_##prefix), codes_##prefix, kind);                                         \
    }                                                                                                                          \
    static void multiply(const void *panel, size_t n, struct gemm_tile *t)                                                     \
    {                                                                                                                          \
        gemm_tile32(panel, n, t, kind, lift);                                                                              \
    }                                                                                                                          \
    static void prefix##_gemm_##isa(const struct dot_args *a)                                                                  \
    {                                                                                                                          \
        _Alignas(64) struct gemm_panel32 panel[GEMM_DEPTH / 32];                                                               \
        gemm_walk(a, panel, 32, sizeof(struct block_##prefix), sizeof(struct block_q8_a32), pack, multiply);                   \
    }                                                                                                                          \
    KERNEL(prefix##_gemm, isa, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C)

#endif
