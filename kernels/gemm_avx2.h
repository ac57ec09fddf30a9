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
 * 4 * 2 * 31 * 127 = 31496 for five, 2 * 2 * 63 * 127 = 32004 for six. Six bits less 32 leave room for four steps, a sub-block
 * of q6_K: activations are then what maddubs takes as unsigned, 128 too high, and lanes begin at what that adds, negative. Sums
 * on the way are right modulo 2^16, the last one fits: 4 * 2 * 32 * 127 = 32512. Eight bits leave no room at all: codes and
 * activations are widened to int16 beforehand, and madd's sums of two are int32.
 *
 * Rows beyond the last are the last row again, columns beyond the last the last column: their results are not stored. So there
 * is one tile shape, and an output's bits depend on nothing beside it.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_GEMM_AVX2_H
#define HARTREE_GEMM_AVX2_H

#include "kernels/codes_avx2.h"

enum { GEMM_ROWS = 16, GEMM_COLS = 4 };
enum { GEMM_DEPTH = 1024, GEMM_DEPTH_8BITS = 512 }; /* elements: of eight bits a panel has two bytes for each */

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

/* w_block, x_block: bytes of a block of `block` elements of either side; slices have at most `depth` elements. */
KERNEL_INLINE void gemm_walk(const struct dot_args *a, void *panel, size_t block, size_t w_block, size_t x_block, size_t depth,
                             gemm_pack_fn *pack, gemm_tile_fn *multiply)
{
    size_t slices = (a->n + depth - 1) / depth, blocks = a->n / block;
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

/* Left alone, gcc multiplies first and adds later, and spills what it has multiplied; and it loads what stands second in a
 * product once for each column. */
#define GEMM_IN_ORDER(v) __asm__ volatile("" : "+x"(v))

enum { GEMM_STEP = GEMM_ROWS * 4 }; /* bytes of a panel's codes for a step of four elements */

/* What a product of bytes takes as unsigned: the codes; or the activations, which are 128 too high, and codes are signed. */
enum gemm_unsigned { GEMM_UNSIGNED_CODES, GEMM_UNSIGNED_X };

/* part = products of `steps` steps of four elements, added up in int16, of two vectors of codes that lie at w0 and w1 in each
 * step; x: of each column. Where activations are unsigned, part has what they are too high by, negative. */
KERNEL_INLINE void gemm_steps(__m256i part[2][GEMM_COLS], const uint8_t *w0, const uint8_t *w1, const void *const x[GEMM_COLS],
                              const int steps, const enum gemm_unsigned which)
{
#pragma GCC unroll 8
    for (int i = 0; i < steps; i++) {
        __m256i v0 = avx2_load(w0 + i * GEMM_STEP), v1 = avx2_load(w1 + i * GEMM_STEP);
        GEMM_IN_ORDER(v0);
        GEMM_IN_ORDER(v1);
        const bool codes = which == GEMM_UNSIGNED_CODES;
#pragma GCC unroll 4
        for (int t = 0; t < GEMM_COLS; t++) {
            const __m256i v = gemm_word((const char *)x[t] + 4 * i);
            const __m256i p0 = codes ? _mm256_maddubs_epi16(v0, v) : _mm256_maddubs_epi16(v, v0);
            const __m256i p1 = codes ? _mm256_maddubs_epi16(v1, v) : _mm256_maddubs_epi16(v, v1);
            part[0][t] = i || !codes ? _mm256_add_epi16(part[0][t], p0) : p0;
            part[1][t] = i || !codes ? _mm256_add_epi16(part[1][t], p1) : p1;
            GEMM_IN_ORDER(part[0][t]);
            GEMM_IN_ORDER(part[1][t]);
        }
    }
}

/* ---- Blocks of 256 ---- */

/* Sub-blocks of 32 use the first halves of offset and scale. */
struct gemm_panel256 {
    float d[GEMM_ROWS], dmin[GEMM_ROWS];
    /* Of two sub-blocks: what their sums are multiplied by. Or, where activations are unsigned, of each sub-block what its sums
     * in int16 begin with: -128 times the codes. */
    int16_t offset[16][GEMM_ROWS][2];
    int16_t scale[16][GEMM_ROWS][2]; /* of a sub-block, twice */
    uint8_t q[64][GEMM_ROWS][4];
};

static_assert(GEMM_DEPTH / 256 * sizeof(struct gemm_panel256) <= (size_t)GEMM_PANEL_BYTES, "a slice of a panel");

/* What the sums of signed codes begin with where activations are 128 too high. */
KERNEL_INLINE void gemm_begin256(struct gemm_panel256 *p, int row, const int sub)
{
#pragma GCC unroll 1
    for (int s = 0; s < 256 / sub; s++) {
        __m256i v = _mm256_setzero_si256();
        for (int i = 0; i < sub / 4; i++)
            v = _mm256_sub_epi16(v, _mm256_maddubs_epi16(_mm256_set1_epi8(-128), avx2_load(p->q[s * (sub / 4) + i][row])));
        _mm256_store_si256((__m256i *)p->offset[s][row], v);
    }
}

KERNEL_INLINE void gemm_pack256(struct gemm_panel256 *p, const char *const w[GEMM_ROWS], size_t blocks, const size_t w_block,
                                const int sub, const int shift, const enum gemm_unsigned which, avx2_open256 *open,
                                avx2_codes256 *codes)
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
            if (which == GEMM_UNSIGNED_CODES) gemm_transpose(v, p->offset[0][8 * h], sizeof p->offset[0]);
            gemm_transpose(low, p->scale[0][8 * h], sizeof p->scale[0]);
            if (sub == 16) gemm_transpose(high, p->scale[8][8 * h], sizeof p->scale[0]);
            for (int j = 0; j < 8; j++) {
                for (int i = 0; i < 8; i++) v[i] = codes(row[i], j);
                if (which == GEMM_UNSIGNED_X)
                    for (int i = 0; i < 8; i++) v[i] = _mm256_sub_epi8(v[i], _mm256_set1_epi8((char)(1 << shift)));
                gemm_transpose(v, p->q[8 * j][8 * h], sizeof p->q[0]);
            }
            if (which == GEMM_UNSIGNED_X) gemm_begin256(p, 8 * h, sub);
        }
    }
}

/* least = <offset, sums of sub-blocks>, where codes are unsigned. */
KERNEL_INLINE void gemm_least256(__m256i least[2][GEMM_COLS], const struct gemm_panel256 *p,
                                 const struct block_q8_a256 *const x[GEMM_COLS], const int sub)
{
    _Alignas(16) int16_t sums[GEMM_COLS][16];
    for (int t = 0; t < GEMM_COLS; t++) {
        const __m128i *s = (const __m128i *)((const char *)x[t] + offsetof(struct block_q8_a256, bsums));
        const __m128i s0 = _mm_loadu_si128(s), s1 = _mm_loadu_si128(s + 1);
        _mm_store_si128((__m128i *)sums[t], sub == 32 ? _mm_hadd_epi16(s0, s1) : s0);
        _mm_store_si128((__m128i *)sums[t] + 1, s1);
        for (int h = 0; h < 2; h++) least[h][t] = _mm256_setzero_si256();
    }
    for (int j = 0; j < 128 / sub; j++) {
        const __m256i w0 = avx2_load(p->offset[j][0]), w1 = avx2_load(p->offset[j][8]);
        for (int t = 0; t < GEMM_COLS; t++) {
            const __m256i v = gemm_word(&sums[t][2 * j]);
            least[0][t] = _mm256_add_epi32(least[0][t], _mm256_madd_epi16(w0, v));
            least[1][t] = _mm256_add_epi32(least[1][t], _mm256_madd_epi16(w1, v));
        }
    }
}

/* `sub` elements share a scale; the products of `steps` steps of four elements fit an int16. `shift`: as in dot_row256 of
 * dot_avx2.h. */
KERNEL_INLINE void gemm_tile256(const struct gemm_panel256 *p, size_t blocks, struct gemm_tile *tile, const int sub,
                                const int steps, const int shift, const enum gemm_unsigned which)
{
    /* Activations + 128, of all of a slice first: a load of a part of what was just stored has to wait for it. */
    _Alignas(32) int8_t high[GEMM_DEPTH / 256][GEMM_COLS][256];
    for (size_t b = 0; b < (which == GEMM_UNSIGNED_X ? blocks : 0); b++)
        for (int t = 0; t < GEMM_COLS; t++) {
            const int8_t *from = ((const struct block_q8_a256 *)tile->x[t] + b)->qs;
            for (int i = 0; i < 256; i += 32)
                _mm256_store_si256((__m256i *)(high[b][t] + i), _mm256_xor_si256(avx2_load(from + i), _mm256_set1_epi8(-128)));
        }
    for (size_t b = 0; b < blocks; b++, p++) {
        const struct block_q8_a256 *x[GEMM_COLS];
        const int8_t *q[GEMM_COLS];
        __m256i sum[2][GEMM_COLS], least[2][GEMM_COLS];
        for (int t = 0; t < GEMM_COLS; t++) {
            x[t] = (const struct block_q8_a256 *)tile->x[t] + b;
            q[t] = which == GEMM_UNSIGNED_X ? high[b][t] : x[t]->qs;
            for (int h = 0; h < 2; h++) sum[h][t] = _mm256_setzero_si256();
        }
        if (which == GEMM_UNSIGNED_CODES) gemm_least256(least, p, x, sub);
        for (int s = 0; s < 256 / sub; s++) {
            const __m256i scale[2] = {avx2_load(p->scale[s][0]), avx2_load(p->scale[s][8])};
            for (int g = 0; g < sub / 4; g += steps) {
                __m256i part[2][GEMM_COLS];
                const int k = s * (sub / 4) + g;
                const void *from[GEMM_COLS];
                for (int t = 0; t < GEMM_COLS; t++) {
                    from[t] = q[t] + 4 * k;
                    if (which == GEMM_UNSIGNED_X)
                        for (int h = 0; h < 2; h++) part[h][t] = avx2_load(p->offset[s][8 * h]);
                }
                gemm_steps(part, p->q[k][0], p->q[k][8], from, steps, which);
                for (int h = 0; h < 2; h++)
                    for (int t = 0; t < GEMM_COLS; t++)
                        sum[h][t] = _mm256_add_epi32(sum[h][t], _mm256_madd_epi16(part[h][t], scale[h]));
            }
        }
        for (int h = 0; h < 2; h++) {
            const __m256 d = _mm256_load_ps(p->d + 8 * h), dmin = _mm256_load_ps(p->dmin + 8 * h);
            for (int t = 0; t < GEMM_COLS; t++) {
                if (shift != AVX2_MINIMA && which == GEMM_UNSIGNED_CODES)
                    sum[h][t] = _mm256_sub_epi32(sum[h][t], _mm256_slli_epi32(least[h][t], shift));
                __m256 v = _mm256_mul_ps(d, _mm256_cvtepi32_ps(sum[h][t]));
                if (shift == AVX2_MINIMA) v = _mm256_fnmadd_ps(dmin, _mm256_cvtepi32_ps(least[h][t]), v);
                tile->sum[h][t] = _mm256_fmadd_ps(_mm256_set1_ps(x[t]->d), v, tile->sum[h][t]);
            }
        }
    }
}

/* A file's kernel and its row: `open_block` and `codes` unpack blocks of the type. */
#define GEMM_KERNEL_AVX2_256(prefix, isa, sub, steps, shift, which)                                                            \
    static_assert((sub) / 4 % (steps) == 0, "steps make up a sub-block");                                                      \
    static void pack(void *panel, const char *const w[GEMM_ROWS], size_t n)                                                    \
    {                                                                                                                          \
        gemm_pack256(panel, w, n, sizeof(struct block_##prefix), sub, shift, which, open_##prefix, codes_##prefix);            \
    }                                                                                                                          \
    static void multiply(const void *panel, size_t n, struct gemm_tile *t)                                                     \
    {                                                                                                                          \
        gemm_tile256(panel, n, t, sub, steps, shift, which);                                                                   \
    }                                                                                                                          \
    static void prefix##_gemm_##isa(const struct dot_args *a)                                                                  \
    {                                                                                                                          \
        _Alignas(64) struct gemm_panel256 panel[GEMM_DEPTH / 256];                                                             \
        gemm_walk(a, panel, 256, sizeof(struct block_##prefix), sizeof(struct block_q8_a256), GEMM_DEPTH, pack, multiply);     \
    }                                                                                                                          \
    KERNEL(prefix##_gemm, isa, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C)

/* ---- Blocks of 32 ---- */

struct gemm_panel32 {
    float d[GEMM_ROWS], m[GEMM_ROWS];
    uint8_t q[8][GEMM_ROWS][4];
};

/* Codes of eight bits, widened: two elements of each row a step. */
struct gemm_panel32_8bits {
    float d[GEMM_ROWS];
    int16_t q[16][GEMM_ROWS][2];
};

static_assert(GEMM_DEPTH / 32 * sizeof(struct gemm_panel32) <= (size_t)GEMM_PANEL_BYTES, "a slice of a panel");
static_assert(GEMM_DEPTH_8BITS / 32 * sizeof(struct gemm_panel32_8bits) <= (size_t)GEMM_PANEL_BYTES, "a slice of a panel");

/* The f16 at eight rows' blocks. */
KERNEL_INLINE __m256 gemm_f16(const char *const row[8], size_t at)
{
    _Alignas(16) uint16_t v[8];
    for (int i = 0; i < 8; i++) memcpy(&v[i], row[i] + at, sizeof v[i]);
    return _mm256_cvtph_ps(_mm_load_si128((const __m128i *)v));
}

KERNEL_INLINE void gemm_pack32(struct gemm_panel32 *p, const char *const w[GEMM_ROWS], size_t blocks, const size_t w_block,
                               avx2_codes32 *codes, const enum avx2_kind kind)
{
    for (size_t b = 0; b < blocks; b++, p++) {
        for (int h = 0; h < 2; h++) {
            const char *row[8];
            __m256i v[8];
            for (int i = 0; i < 8; i++) {
                row[i] = w[8 * h + i] + b * w_block;
                v[i] = codes(row[i]);
            }
            gemm_transpose(v, p->q[0][8 * h], sizeof p->q[0]);
            _mm256_store_ps(p->d + 8 * h, gemm_f16(row, 0));
            if (kind == AVX2_MINIMUM) _mm256_store_ps(p->m + 8 * h, gemm_f16(row, 2));
        }
    }
}

KERNEL_INLINE void gemm_pack32_8bits(struct gemm_panel32_8bits *p, const char *const w[GEMM_ROWS], size_t blocks,
                                     const size_t w_block, avx2_codes32 *codes)
{
    for (size_t b = 0; b < blocks; b++, p++) {
        for (int h = 0; h < 2; h++) {
            const char *row[8];
            __m256i low[8], high[8];
            for (int i = 0; i < 8; i++) {
                row[i] = w[8 * h + i] + b * w_block;
                const __m256i v = codes(row[i]);
                low[i] = _mm256_cvtepi8_epi16(_mm256_castsi256_si128(v));
                high[i] = _mm256_cvtepi8_epi16(_mm256_extracti128_si256(v, 1));
            }
            gemm_transpose(low, p->q[0][8 * h], sizeof p->q[0]);
            gemm_transpose(high, p->q[8][8 * h], sizeof p->q[0]);
            _mm256_store_ps(p->d + 8 * h, gemm_f16(row, 0));
        }
    }
}

/* The block's sums of codes whose products over `steps` steps fit an int16. */
KERNEL_INLINE void gemm_sums32(__m256i sum[2][GEMM_COLS], const struct gemm_panel32 *p, const void *const x[GEMM_COLS],
                               const int steps)
{
    const __m256i ones = _mm256_set1_epi16(1);
#pragma GCC unroll 2
    for (int g = 0; g < 8; g += steps) {
        __m256i part[2][GEMM_COLS];
        const void *from[GEMM_COLS];
        for (int t = 0; t < GEMM_COLS; t++) from[t] = (const char *)x[t] + 4 * g;
        gemm_steps(part, p->q[g][0], p->q[g][8], from, steps, GEMM_UNSIGNED_CODES);
        for (int t = 0; t < GEMM_COLS; t++)
            for (int h = 0; h < 2; h++) {
                const __m256i s = _mm256_madd_epi16(part[h][t], ones);
                sum[h][t] = g ? _mm256_add_epi32(sum[h][t], s) : s;
            }
    }
}

/* `lift`: codes are 2^lift too high, if there are no minima. */
KERNEL_INLINE void gemm_tile32(const struct gemm_panel32 *p, size_t blocks, struct gemm_tile *tile, const enum avx2_kind kind,
                               const int lift, const int steps)
{
    for (size_t b = 0; b < blocks; b++, p++) {
        const struct block_q8_a32 *x[GEMM_COLS];
        const void *q[GEMM_COLS];
        __m256i sum[2][GEMM_COLS];
        for (int t = 0; t < GEMM_COLS; t++) {
            x[t] = (const struct block_q8_a32 *)tile->x[t] + b;
            q[t] = x[t]->qs;
        }
        gemm_sums32(sum, p, q, steps);
        for (int t = 0; t < GEMM_COLS; t++) {
            const __m256i all = _mm256_set1_epi32(x[t]->sum), lifted = _mm256_slli_epi32(all, lift);
            const __m256 dx = _mm256_set1_ps(x[t]->d), s = _mm256_cvtepi32_ps(all);
            for (int h = 0; h < 2; h++) {
                if (kind == AVX2_LIFTED) sum[h][t] = _mm256_sub_epi32(sum[h][t], lifted);
                __m256 v = _mm256_mul_ps(_mm256_load_ps(p->d + 8 * h), _mm256_cvtepi32_ps(sum[h][t]));
                if (kind == AVX2_MINIMUM) v = _mm256_fmadd_ps(_mm256_load_ps(p->m + 8 * h), s, v);
                tile->sum[h][t] = _mm256_fmadd_ps(dx, v, tile->sum[h][t]);
            }
        }
    }
}

KERNEL_INLINE void gemm_tile32_8bits(const struct gemm_panel32_8bits *p, size_t blocks, struct gemm_tile *tile)
{
    /* All of a slice first: a load of a part of what was just stored has to wait for it. */
    _Alignas(32) int16_t wide[GEMM_DEPTH_8BITS / 32][GEMM_COLS][32];
    float d[GEMM_DEPTH_8BITS / 32][GEMM_COLS];
    for (size_t b = 0; b < blocks; b++)
        for (int t = 0; t < GEMM_COLS; t++) {
            const struct block_q8_a32 *from = (const struct block_q8_a32 *)tile->x[t] + b;
            for (int i = 0; i < 2; i++)
                _mm256_store_si256((__m256i *)wide[b][t] + i,
                                   _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)from->qs + i)));
            d[b][t] = from->d;
        }
    for (size_t b = 0; b < blocks; b++, p++) {
        __m256i sum[2][GEMM_COLS];
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            __m256i w0 = avx2_load(p->q[i][0]), w1 = avx2_load(p->q[i][8]);
            GEMM_IN_ORDER(w0);
            GEMM_IN_ORDER(w1);
#pragma GCC unroll 4
            for (int t = 0; t < GEMM_COLS; t++) {
                const __m256i v = gemm_word(wide[b][t] + 2 * i), p0 = _mm256_madd_epi16(w0, v), p1 = _mm256_madd_epi16(w1, v);
                sum[0][t] = i ? _mm256_add_epi32(sum[0][t], p0) : p0;
                sum[1][t] = i ? _mm256_add_epi32(sum[1][t], p1) : p1;
                GEMM_IN_ORDER(sum[0][t]);
                GEMM_IN_ORDER(sum[1][t]);
            }
        }
        for (int h = 0; h < 2; h++) {
            const __m256 dw = _mm256_load_ps(p->d + 8 * h);
            for (int t = 0; t < GEMM_COLS; t++) {
                const __m256 v = _mm256_mul_ps(_mm256_set1_ps(d[b][t]), _mm256_cvtepi32_ps(sum[h][t]));
                tile->sum[h][t] = _mm256_fmadd_ps(dw, v, tile->sum[h][t]);
            }
        }
    }
}

#define GEMM_KERNEL_AVX2_32(prefix, isa, kind, lift, steps)                                                                    \
    static void pack(void *panel, const char *const w[GEMM_ROWS], size_t n)                                                    \
    {                                                                                                                          \
        gemm_pack32(panel, w, n, sizeof(struct block_##prefix), codes_##prefix, kind);                                         \
    }                                                                                                                          \
    static void multiply(const void *panel, size_t n, struct gemm_tile *t)                                                     \
    {                                                                                                                          \
        gemm_tile32(panel, n, t, kind, lift, steps);                                                                           \
    }                                                                                                                          \
    static void prefix##_gemm_##isa(const struct dot_args *a)                                                                  \
    {                                                                                                                          \
        _Alignas(64) struct gemm_panel32 panel[GEMM_DEPTH / 32];                                                               \
        gemm_walk(a, panel, 32, sizeof(struct block_##prefix), sizeof(struct block_q8_a32), GEMM_DEPTH, pack, multiply);       \
    }                                                                                                                          \
    KERNEL(prefix##_gemm, isa, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C)

#define GEMM_KERNEL_AVX2_32_8BITS(prefix, isa)                                                                                 \
    static void pack(void *panel, const char *const w[GEMM_ROWS], size_t n)                                                    \
    {                                                                                                                          \
        gemm_pack32_8bits(panel, w, n, sizeof(struct block_##prefix), codes_##prefix);                                         \
    }                                                                                                                          \
    static void multiply(const void *panel, size_t n, struct gemm_tile *t)                                                     \
    {                                                                                                                          \
        gemm_tile32_8bits(panel, n, t);                                                                                        \
    }                                                                                                                          \
    static void prefix##_gemm_##isa(const struct dot_args *a)                                                                  \
    {                                                                                                                          \
        _Alignas(64) struct gemm_panel32_8bits panel[GEMM_DEPTH_8BITS / 32];                                                   \
        gemm_walk(a, panel, 32, sizeof(struct block_##prefix), sizeof(struct block_q8_a32), GEMM_DEPTH_8BITS, pack, multiply); \
    }                                                                                                                          \
    KERNEL(prefix##_gemm, isa, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C)

#endif
