/* dot_float.h - f32_dot, f16_dot and bf16_dot over vec.h: a weight row times up to three columns, weights converted as they are
 * loaded, once for the three.
 *
 * Four sums a column, of every fourth vector each: with fewer, a lone column would wait for the additions and not for memory.
 * The last vectors are padded with zeros, which change no sum. An output's chain of operations is the same in every tile.
 *
 * Weight rows are taken in strips that fit the second-level cache: memory sees each weight once, however many columns there
 * are. A lone column's weights come from memory, which the hardware's own prefetcher streams better than hints for every
 * line do: on one thread of Zen 4, f16 at 27 GB/s to 12 (on ARM not measured). But it stops at every page, so the first step in
 * a page asks for the next one's first lines. Beyond a matrix's end that is a hint that goes unheard.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_DOT_FLOAT_H
#define HARTREE_DOT_FLOAT_H

#include "kernels/kernel.h"

enum { DOT_FLOAT_COLS = 3, DOT_FLOAT_SUMS = 4, DOT_FLOAT_STRIP_BYTES = 128 << 10 };
enum { DOT_FLOAT_PAGE = 4096, DOT_FLOAT_LINES = 4 };

typedef vf dot_load(const void *w); /* VF_LANES weights as floats */
typedef vf dot_load_n(const void *w, size_t n);

/* y[c..c+nc) of one row. */
KERNEL_INLINE void dot_float_tile(const struct dot_args *a, size_t r, size_t c, const int nc, const size_t w_bytes,
                                  dot_load *load, dot_load_n *load_n)
{
    enum { STEP = DOT_FLOAT_SUMS * VF_LANES };
    const char *w = (const char *)a->w + r * a->w_stride;
    const float *x[DOT_FLOAT_COLS];
    vf sum[DOT_FLOAT_COLS][DOT_FLOAT_SUMS];
    for (int i = 0; i < nc; i++) {
        x[i] = (const float *)(const void *)((const char *)a->x + (c + (size_t)i) * a->x_stride);
        for (int j = 0; j < DOT_FLOAT_SUMS; j++) sum[i][j] = vf_zero();
    }
    size_t k = 0;
    for (; k + STEP <= a->n; k += STEP) {
        const uintptr_t at = (uintptr_t)w + k * w_bytes;
        if (nc == 1 && at % DOT_FLOAT_PAGE < STEP * w_bytes)
            for (uintptr_t i = 0; i < DOT_FLOAT_LINES; i++)
                __builtin_prefetch((const void *)(at / DOT_FLOAT_PAGE * DOT_FLOAT_PAGE + DOT_FLOAT_PAGE + 64 * i));
#pragma GCC unroll 4
        for (size_t j = 0; j < DOT_FLOAT_SUMS; j++) {
            const vf v = load(w + (k + j * VF_LANES) * w_bytes);
            for (int i = 0; i < nc; i++) sum[i][j] = vf_fma(v, vf_load(x[i] + k + j * VF_LANES), sum[i][j]);
        }
    }
#pragma GCC unroll 4
    for (size_t j = 0; j < DOT_FLOAT_SUMS; j++, k += VF_LANES) {
        if (k >= a->n) break;
        const size_t n = a->n - k < VF_LANES ? a->n - k : VF_LANES;
        const vf v = load_n(w + k * w_bytes, n);
        for (int i = 0; i < nc; i++) sum[i][j] = vf_fma(v, vf_load_n(x[i] + k, n), sum[i][j]);
    }
    for (int i = 0; i < nc; i++)
        a->y[(c + (size_t)i) * a->ldy + r] = vf_sum(vf_add(vf_add(sum[i][0], sum[i][1]), vf_add(sum[i][2], sum[i][3])));
}

KERNEL_INLINE void dot_float(const struct dot_args *a, const size_t w_bytes, dot_load *load, dot_load_n *load_n)
{
    const size_t strip = a->w_stride && a->w_stride < DOT_FLOAT_STRIP_BYTES ? DOT_FLOAT_STRIP_BYTES / a->w_stride : 1;
    for (size_t r0 = 0; r0 < a->rows; r0 += strip) {
        const size_t r1 = a->rows - r0 < strip ? a->rows : r0 + strip;
        size_t c = 0;
        for (; c + 3 <= a->cols; c += 3)
            for (size_t r = r0; r < r1; r++) dot_float_tile(a, r, c, 3, w_bytes, load, load_n);
        for (size_t r = r0; r < r1 && a->cols - c == 2; r++) dot_float_tile(a, r, c, 2, w_bytes, load, load_n);
        for (size_t r = r0; r < r1 && a->cols - c == 1; r++) dot_float_tile(a, r, c, 1, w_bytes, load, load_n);
    }
}

#endif
