/* gemm_float.h - f32_gemm, f16_gemm and bf16_gemm over vec.h: weights unpacked once into panels of floats, then a tile of
 * registers for each group of columns.
 *
 *     weights, row by row:  w[r][k]           panel:  [k][GEMM_ROWS] floats: a load gives VF_LANES rows of one k
 *
 *     for each strip of GEMM_PANELS panels of rows
 *       for each slice of at most GEMM_DEPTH k       (panels fill GEMM_PANEL_BYTES of stack: they stay in the L2 cache)
 *         unpack the strip's panels
 *         for each group of GEMM_COLS columns        (GEMM_DEPTH activations of each: they stay in the L1 cache)
 *           for each panel: the tile adds the slice's products to GEMM_ROWS x GEMM_COLS outputs
 *
 * A tile's step of one k: GEMM_VECS loads of weights, GEMM_COLS broadcasts of an activation, GEMM_VECS * GEMM_COLS fused
 * multiply-adds, each onto a sum of its own. So the multipliers are what it is short of: the peak is theirs. The sums outnumber
 * latency times multipliers, and with weights and activations they fill the registers.
 *
 *                 lanes   rows   columns   sums   multiply-adds a step   loads a step
 *     avx2           8     16        6      12            12                   8
 *     avx512        16     32       12      24            24                  14
 *     neon           4      8        8      16            16                   4  (activations four k at a time, used by lane)
 *
 * An output is one chain of fused multiply-adds over k, kept in y between slices: its bits are the same in every tile. Tiles at
 * the edges compute rows and columns that do not exist (zeros; the last column again) and do not store them.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_GEMM_FLOAT_H
#define HARTREE_GEMM_FLOAT_H

#include <string.h>

#include "kernels/kernel.h"

enum {
    GEMM_VECS = 2,
    GEMM_COLS = VF_LANES == 16 ? 12 : VF_LANES == 8 ? 6 : 8,
    GEMM_ROWS = GEMM_VECS * VF_LANES,
    GEMM_DEPTH = 512,
    GEMM_PANELS = GEMM_PANEL_BYTES / (GEMM_DEPTH * GEMM_ROWS * (int)sizeof(float)),
    GEMM_STRIP = GEMM_PANELS * GEMM_ROWS, /* rows */
};

typedef vf gemm_load_fn(const void *w); /* VF_LANES weights as floats */
typedef vf gemm_load_n_fn(const void *w, size_t n);

/* A square of VF_LANES rows and as many k into the panel, turned round. What lies beyond `rows` and `depth` is not read: zeros
 * stand for it. */
KERNEL_INLINE void gemm_turn(float *panel, const char *w, size_t w_stride, size_t rows, size_t depth, gemm_load_fn *load,
                             gemm_load_n_fn *load_n)
{
    vf v[VF_LANES];
    if (rows >= VF_LANES && depth >= VF_LANES) {
        for (size_t j = 0; j < VF_LANES; j++) v[j] = load(w + j * w_stride);
    } else {
        for (size_t j = 0; j < VF_LANES; j++)
            v[j] = j < rows ? load_n(w + j * w_stride, depth < VF_LANES ? depth : VF_LANES) : vf_zero();
    }
    vf_transpose(v);
    for (size_t j = 0; j < VF_LANES; j++) vf_store(panel + j * GEMM_ROWS, v[j]);
}

/* `rows` rows of `depth` weights into a panel. */
KERNEL_INLINE void gemm_pack(float *panel, const char *w, size_t w_stride, size_t rows, size_t depth, const size_t w_bytes,
                               gemm_load_fn *load, gemm_load_n_fn *load_n)
{
    for (size_t k = 0; k < depth; k += VF_LANES)
        for (size_t i = 0; i < GEMM_ROWS; i += VF_LANES)
            gemm_turn(panel + k * GEMM_ROWS + i, w + i * w_stride + k * w_bytes, w_stride, rows > i ? rows - i : 0, depth - k,
                      load, load_n);
}

/* Adds a panel's products with x[0..cols) to GEMM_ROWS x cols outputs at y; `fresh`: sets them. */
KERNEL_INLINE void gemm_tile(float *y, size_t ldy, const float *panel, const float *const x[], size_t depth, bool fresh,
                             const int cols)
{
    vf sum[GEMM_COLS][GEMM_VECS];
#pragma GCC unroll 16
    for (int c = 0; c < cols; c++)
        for (int i = 0; i < GEMM_VECS; i++) sum[c][i] = fresh ? vf_zero() : vf_load(y + (size_t)c * ldy + i * VF_LANES);
    size_t k = 0;
    for (; k + 4 <= depth; k += 4) {
        vf4 four[GEMM_COLS];
#pragma GCC unroll 16
        for (int c = 0; c < cols; c++) four[c] = vf_load4(x[c] + k);
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++, panel += GEMM_ROWS) {
            vf w[GEMM_VECS];
            for (int i = 0; i < GEMM_VECS; i++) w[i] = vf_in_register(vf_load(panel + i * VF_LANES));
#pragma GCC unroll 16
            for (int c = 0; c < cols; c++)
                for (int i = 0; i < GEMM_VECS; i++) sum[c][i] = vf_in_register(vf_fma_lane(w[i], four[c], j, sum[c][i]));
        }
    }
    for (; k < depth; k++, panel += GEMM_ROWS)
#pragma GCC unroll 16
        for (int c = 0; c < cols; c++)
            for (int i = 0; i < GEMM_VECS; i++)
                sum[c][i] = vf_fma(vf_load(panel + i * VF_LANES), vf_set1(x[c][k]), sum[c][i]);
#pragma GCC unroll 16
    for (int c = 0; c < cols; c++)
        for (int i = 0; i < GEMM_VECS; i++) vf_store(y + (size_t)c * ldy + i * VF_LANES, sum[c][i]);
}

/* Its two widths. Not inlined, so that the compiler gives a loop's sums all registers. */
typedef void gemm_tile_fn(float *y, size_t ldy, const float *panel, const float *const x[], size_t depth, bool fresh);

static __attribute__((noinline)) void gemm_tile_whole(float *y, size_t ldy, const float *panel, const float *const x[],
                                                      size_t depth, bool fresh)
{
    gemm_tile(y, ldy, panel, x, depth, fresh, GEMM_COLS);
}

static __attribute__((noinline)) void gemm_tile_half(float *y, size_t ldy, const float *panel, const float *const x[],
                                                     size_t depth, bool fresh)
{
    gemm_tile(y, ldy, panel, x, depth, fresh, GEMM_COLS / 2);
}

/* Where only `rows` x `stored` of the outputs exist: by way of a whole tile. */
static inline void gemm_edge(gemm_tile_fn *tile, float *y, size_t ldy, const float *panel, const float *const x[], size_t depth,
                             bool fresh, size_t rows, size_t stored)
{
    float all[GEMM_COLS * GEMM_ROWS] = {0};
    for (size_t c = 0; c < stored && !fresh; c++) memcpy(all + c * GEMM_ROWS, y + c * ldy, rows * sizeof *y);
    tile(all, GEMM_ROWS, panel, x, depth, fresh);
    for (size_t c = 0; c < stored; c++) memcpy(y + c * ldy, all + c * GEMM_ROWS, rows * sizeof *y);
}

/* The columns from c on, at most GEMM_COLS, of rows r0..r1. */
static inline void gemm_group(const struct dot_args *a, const float *panels, size_t r0, size_t r1, size_t k0, size_t depth,
                              size_t c)
{
    const size_t left = a->cols - c, half = GEMM_COLS / 2, width = left > half ? GEMM_COLS : half;
    const size_t stored = left < width ? left : width;
    gemm_tile_fn *tile = left > half ? gemm_tile_whole : gemm_tile_half;
    const float *x[GEMM_COLS];
    for (size_t i = 0; i < width; i++)
        x[i] = (const float *)(const void *)((const char *)a->x + (c + (i < stored ? i : stored - 1)) * a->x_stride) + k0;
    for (size_t r = r0; r < r1; r += GEMM_ROWS, panels += GEMM_DEPTH * GEMM_ROWS) {
        const size_t rows = r1 - r < GEMM_ROWS ? r1 - r : GEMM_ROWS;
        float *y = a->y + c * a->ldy + r;
        if (rows == GEMM_ROWS && stored == width) tile(y, a->ldy, panels, x, depth, k0 == 0);
        else gemm_edge(tile, y, a->ldy, panels, x, depth, k0 == 0, rows, stored);
    }
}

KERNEL_INLINE void gemm_float(const struct dot_args *a, const size_t w_bytes, gemm_load_fn *load, gemm_load_n_fn *load_n)
{
    _Alignas(64) float panels[GEMM_PANEL_BYTES / sizeof(float)];
    const size_t slices = (a->n + GEMM_DEPTH - 1) / GEMM_DEPTH;
    /* Even ones. */
    const size_t slice = slices ? ((a->n + slices - 1) / slices + VF_LANES - 1) / VF_LANES * VF_LANES : GEMM_DEPTH;
    for (size_t r0 = 0; r0 < a->rows; r0 += GEMM_STRIP) {
        const size_t r1 = a->rows - r0 < GEMM_STRIP ? a->rows : r0 + GEMM_STRIP;
        size_t k0 = 0;
        do { /* once at n = 0 too: the outputs are then zeros */
            const size_t depth = a->n - k0 < slice ? a->n - k0 : slice;
            for (size_t r = r0; r < r1; r += GEMM_ROWS)
                gemm_pack(panels + (r - r0) * GEMM_DEPTH, (const char *)a->w + r * a->w_stride + k0 * w_bytes, a->w_stride,
                            r1 - r, depth, w_bytes, load, load_n);
            for (size_t c = 0; c < a->cols; c += GEMM_COLS) gemm_group(a, panels, r0, r1, k0, depth, c);
            k0 += slice;
        } while (k0 < a->n);
    }
}

#endif
