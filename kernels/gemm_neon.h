/* gemm_neon.h - what the gemms of aarch64 share: the walk over outputs and the panel that weights are unpacked to. What
 * multiplies is in gemm_<instruction>.h, which each kernel file of that instruction set includes.
 *
 * The walk. Sixteen weight rows by a slice of 1024 elements are unpacked to two panels on the stack, 18 to 23 KB, so that they
 * stay in a first-level cache of 32 KB while the activations stream by, four columns at a time. An output's partial sum waits
 * in y from one slice to the next. Rows and columns beyond the last are computed as copies of the last and not stored: one tile
 * shape, hence one chain of operations for every output.
 *
 * A panel holds 8 rows, block after block:
 *
 *    of blocks of 32          [codes: 2 x 16 k][d: 8 floats][m: 8 floats, where the type has minima]
 *    of blocks of 256         [sub-block 0: codes, 8 int32 scales] ... [sub-block 7 or 15]
 *                             [minima: 8 int16 a sub-block, where the type has them][d: 8 floats][dmin: 8 floats]
 *    codes, 16 k (128 bytes)  [rows 0..3: 64 bytes][rows 4..7: 64 bytes], in each half as the multiplying instruction
 *                             wants them: gemm_put
 *
 * All of it is whole vectors of 16 bytes, so a panel is an array of these, and counted in them.
 *
 * Scales of sub-blocks. S = sum of sc[s] * A[s] over a block's sub-blocks, where A[s] are sums of products, is added up by
 * parts: a running sum R[s] = A[0] + .. + A[s] is never set back to zero, and S = sum of R[s] * (sc[s] - sc[s + 1]), sc beyond
 * the last being 0. So the panel holds differences of scales, and no instruction is spent on clearing. All of it is exact in
 * integers.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_GEMM_NEON_H
#define HARTREE_GEMM_NEON_H

#include "kernels/codes.h"
#include "kernels/simd_neon.h"

enum { GEMM_ROWS = 8, GEMM_COLS = 4, GEMM_PANELS = 2, GEMM_DEPTH = 1024 };

union gemm_vector {
    int8_t s8[16];
    int16_t s16[8];
    int32_t s32[4];
    int64_t s64[2];
    float f32[4];
};

/* Unpacks one block of each of eight rows. */
typedef void gemm_pack_fn(union gemm_vector *panel, const char *const w[GEMM_ROWS]);
/* Adds to eight rows by four columns what `blocks` blocks give; x point at the columns' first ones. */
typedef void gemm_tile_fn(const union gemm_vector *panel, const char *const x[GEMM_COLS], size_t blocks,
                       float y[GEMM_COLS][GEMM_ROWS]);

/* ---- The walk ---- */

static inline size_t gemm_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* One tile with its part of y; rows and cols say how much of it there is. */
KERNEL_INLINE void gemm_output(const union gemm_vector *panel, const char *const x[GEMM_COLS], size_t blocks, float *y,
                               size_t ldy, size_t rows, size_t cols, const int first, gemm_tile_fn *tile)
{
    float t[GEMM_COLS][GEMM_ROWS] = {{0}};
    if (rows == GEMM_ROWS) { /* a copy of known size is a few instructions, one of unknown size is a call */
        for (size_t c = 0; c < cols && !first; c++) memcpy(t[c], y + c * ldy, sizeof *t);
        tile(panel, x, blocks, t);
        for (size_t c = 0; c < cols; c++) memcpy(y + c * ldy, t[c], sizeof *t);
        return;
    }
    for (size_t c = 0; c < cols && !first; c++) memcpy(t[c], y + c * ldy, rows * sizeof **t);
    tile(panel, x, blocks, t);
    for (size_t c = 0; c < cols; c++) memcpy(y + c * ldy, t[c], rows * sizeof **t);
}

/* Blocks of k elements, w_bytes in the file, x_bytes among the activations and `size` vectors in a panel. */
KERNEL_INLINE void gemm_walk(const struct dot_args *a, union gemm_vector *panels, const size_t k, const size_t w_bytes,
                             const size_t x_bytes, const size_t size, gemm_pack_fn *pack, gemm_tile_fn *tile)
{
    const size_t blocks = a->n / k, deep = GEMM_DEPTH / k;
    for (size_t r0 = 0; r0 < a->rows; r0 += GEMM_PANELS * GEMM_ROWS) {
        const size_t rows = gemm_min(a->rows - r0, GEMM_PANELS * GEMM_ROWS);
        size_t b0 = 0;
        do {
            const size_t nb = gemm_min(blocks - b0, deep);
            for (size_t r = 0; r < rows; r += GEMM_ROWS) {
                const char *w[GEMM_ROWS];
                for (size_t i = 0; i < GEMM_ROWS; i++)
                    w[i] = (const char *)a->w + (r0 + gemm_min(r + i, rows - 1)) * a->w_stride + b0 * w_bytes;
                for (size_t b = 0; b < nb; b++) {
                    pack(panels + (r / GEMM_ROWS * deep + b) * size, w);
                    for (size_t i = 0; i < GEMM_ROWS; i++) w[i] += w_bytes;
                }
            }
            for (size_t c = 0; c < a->cols; c += GEMM_COLS) {
                const size_t cols = gemm_min(a->cols - c, GEMM_COLS);
                const char *x[GEMM_COLS];
                for (size_t t = 0; t < GEMM_COLS; t++)
                    x[t] = (const char *)a->x + (c + gemm_min(t, cols - 1)) * a->x_stride + b0 * x_bytes;
                for (size_t r = 0; r < rows; r += GEMM_ROWS)
                    gemm_output(panels + r / GEMM_ROWS * deep * size, x, nb, a->y + c * a->ldy + r0 + r, a->ldy,
                                gemm_min(rows - r, GEMM_ROWS), cols, b0 == 0, tile);
            }
            b0 += nb;
        } while (b0 < blocks);
    }
}

/* Keeps the compiler from moving operations on a tile's sums across this place: it would regroup them by column, hold all of a
 * panel's weights in registers for that, and spill and copy the sums. */
KERNEL_INLINE void gemm_pin(int32x4_t s[2][GEMM_COLS])
{
    for (int t = 0; t < GEMM_COLS; t++) {
        __asm__ volatile("" : "+w"(s[0][t]));
        __asm__ volatile("" : "+w"(s[1][t]));
    }
}

/* ---- Panels ---- */

/* In vectors: 16 k of eight rows' codes, a number a row, the minima of a sub-block. */
enum { GEMM_CODES = 8, GEMM_NUMBERS = 2, GEMM_SUB_MINIMA = 1 };

/* Vectors of a block; of a sub-block of which a block of 256 has `subs`, and of the whole. */
#define GEMM_SIZE32(has_min) (2 * GEMM_CODES + ((has_min) ? 2 : 1) * GEMM_NUMBERS)
#define GEMM_SIZE_SUB(subs)  (16 / (subs) * GEMM_CODES + GEMM_NUMBERS)
#define GEMM_SIZE256(subs, has_min)                                                                                            \
    ((subs) * (GEMM_SIZE_SUB(subs) + ((has_min) ? GEMM_SUB_MINIMA : 0)) + ((has_min) ? 2 : 1) * GEMM_NUMBERS)

/* 16 k of four rows as the instruction set's tile reads them, four vectors. */
KERNEL_INLINE void gemm_put(union gemm_vector *panel, int8x16_t r0, int8x16_t r1, int8x16_t r2, int8x16_t r3);

/* 16 k of eight rows, less their offset. */
KERNEL_INLINE void gemm_put16(union gemm_vector *panel, int8x16_t v[GEMM_ROWS], const int offset)
{
    for (int i = 0; i < GEMM_ROWS && offset; i++) v[i] = vsubq_s8(v[i], vdupq_n_s8((int8_t)offset));
    gemm_put(panel, v[0], v[1], v[2], v[3]);
    gemm_put(panel + GEMM_CODES / 2, v[4], v[5], v[6], v[7]);
}

KERNEL_INLINE void gemm_pack32(union gemm_vector *panel, const char *const w[GEMM_ROWS], neon_codes32 *codes, const int offset,
                               const int has_min)
{
    int8x16_t q[2][GEMM_ROWS];
    union gemm_vector *d = panel + 2 * GEMM_CODES, *m = d + GEMM_NUMBERS;
    for (int i = 0; i < GEMM_ROWS; i++) {
        uint16_t h[2];
        memcpy(h, w[i], sizeof h);
        const int8x16x2_t v = codes(w[i]);
        q[0][i] = v.val[0], q[1][i] = v.val[1];
        d[i / 4].f32[i % 4] = neon_f16(h[0]);
        if (has_min) m[i / 4].f32[i % 4] = neon_f16(h[1]);
    }
    gemm_put16(panel, q[0], offset);
    gemm_put16(panel + GEMM_CODES, q[1], offset);
}

/* Scales and minima of a block of 256, of as many sub-blocks as the type has. */
struct gemm_scales {
    float d, dmin;
    int8_t sc[16];
    uint8_t mn[16];
};
typedef struct gemm_scales gemm_open256(const void *block);

KERNEL_INLINE void gemm_pack256(union gemm_vector *panel, const char *const w[GEMM_ROWS], const int subs, const int has_min,
                                gemm_open256 *open, neon_unpack64 *unpack, const int offset)
{
    const int sub = GEMM_SIZE_SUB(subs);
    union gemm_vector *mn = panel + subs * sub, *d = mn + (has_min ? subs * GEMM_SUB_MINIMA : 0), *dmin = d + GEMM_NUMBERS;
    for (int i = 0; i < GEMM_ROWS; i++) {
        const struct gemm_scales o = open(w[i]);
        d[i / 4].f32[i % 4] = o.d;
        if (has_min) dmin[i / 4].f32[i % 4] = o.dmin;
        for (int s = 0; s < subs; s++) {
            union gemm_vector *step = panel + (s + 1) * sub - GEMM_NUMBERS;
            step[i / 4].s32[i % 4] = o.sc[s] - (s + 1 < subs ? o.sc[s + 1] : 0);
            if (has_min) mn[s].s16[i] = o.mn[s];
        }
    }
#pragma GCC unroll 4
    for (int g = 0; g < 4; g++) {
        struct neon_codes64 o[GEMM_ROWS];
        for (int i = 0; i < GEMM_ROWS; i++) o[i] = unpack(w[i], g);
        for (int v = 0; v < 4; v++) {
            const int at = neon_element(subs, g, v) / 16;
            int8x16_t q[GEMM_ROWS];
            for (int i = 0; i < GEMM_ROWS; i++) q[i] = vreinterpretq_s8_u8(o[i].q[v]);
            gemm_put16(panel + (subs == 8 ? at / 2 * sub + at % 2 * GEMM_CODES : at * sub), q, offset);
        }
    }
}

/* ---- The types' scales ---- */

KERNEL_INLINE struct gemm_scales q2_K_open(const void *block)
{
    const struct block_q2_K *b = block;
    struct gemm_scales o = {.d = neon_f16(b->d), .dmin = neon_f16(b->dmin)};
    for (int s = 0; s < 16; s++) o.sc[s] = b->scales[s] & 15, o.mn[s] = b->scales[s] >> 4;
    return o;
}

KERNEL_INLINE struct gemm_scales q3_K_open(const void *block)
{
    const struct block_q3_K *b = block;
    struct gemm_scales o = {.d = neon_f16(b->d)};
    q3_K_get_scales(b->scales, o.sc);
    return o;
}

KERNEL_INLINE struct gemm_scales q4_K_open(const void *block)
{
    const struct block_q4_K *b = block;
    struct gemm_scales o = {.d = neon_f16(b->d), .dmin = neon_f16(b->dmin)};
    q45_K_get_scales(b->scales, (uint8_t *)o.sc, o.mn);
    return o;
}

KERNEL_INLINE struct gemm_scales q5_K_open(const void *block)
{
    const struct block_q5_K *b = block;
    struct gemm_scales o = {.d = neon_f16(b->d), .dmin = neon_f16(b->dmin)};
    q45_K_get_scales(b->scales, (uint8_t *)o.sc, o.mn);
    return o;
}

KERNEL_INLINE struct gemm_scales q6_K_open(const void *block)
{
    const struct block_q6_K *b = block;
    struct gemm_scales o = {.d = neon_f16(b->d)};
    memcpy(o.sc, b->scales, sizeof o.sc);
    return o;
}

/* ---- A file's kernel and its row; `isa` is as in the name of the file ---- */

/* Blocks of k elements, `size` vectors of a panel; `pack` and `tile` as defined before. */
#define GEMM_KERNEL(type, isa, features, k, size, activations)                                                                 \
    static void type##_gemm_##isa(const struct dot_args *a)                                                                    \
    {                                                                                                                          \
        enum { SIZE = size };                                                                                                  \
        _Alignas(64) union gemm_vector panels[GEMM_PANELS * GEMM_DEPTH / k * SIZE];                                            \
        _Static_assert(sizeof panels <= GEMM_PANEL_BYTES, "the panels' share of the stack");                                   \
        gemm_walk(a, panels, k, sizeof(struct block_##type), sizeof(struct activations), SIZE, pack, tile);                    \
    }                                                                                                                          \
    KERNEL(type##_gemm, isa, .needs = features)

#define GEMM_KERNEL32(type, isa, features)                                                                                     \
    static void pack(union gemm_vector *panel, const char *const w[GEMM_ROWS])                                                 \
    {                                                                                                                          \
        gemm_pack32(panel, w, type##_codes, type##_OFFSET, type##_MIN);                                                        \
    }                                                                                                                          \
    static __attribute__((noinline)) void tile(const union gemm_vector *panel, const char *const x[GEMM_COLS],                 \
                                               size_t blocks, float y[GEMM_COLS][GEMM_ROWS])                                   \
    {                                                                                                                          \
        gemm_tile32(panel, x, blocks, y, type##_MIN, type##_WIDE);                                                             \
    }                                                                                                                          \
    GEMM_KERNEL(type, isa, features, 32, GEMM_SIZE32(type##_MIN), block_q8_a32)

#define GEMM_KERNEL256(type, isa, features)                                                                                    \
    static void pack(union gemm_vector *panel, const char *const w[GEMM_ROWS])                                                 \
    {                                                                                                                          \
        gemm_pack256(panel, w, type##_SUBS, type##_MIN, type##_open, type##_unpack, type##_OFFSET);                            \
    }                                                                                                                          \
    static __attribute__((noinline)) void tile(const union gemm_vector *panel, const char *const x[GEMM_COLS],                 \
                                               size_t blocks, float y[GEMM_COLS][GEMM_ROWS])                                   \
    {                                                                                                                          \
        gemm_tile256(panel, x, blocks, y, type##_SUBS, type##_MIN);                                                            \
    }                                                                                                                          \
    GEMM_KERNEL(type, isa, features, 256, GEMM_SIZE256(type##_SUBS, type##_MIN), block_q8_a256)

#endif
