/* dot_neon.h - products of a few columns on aarch64: weights are read where they lie, four or eight rows at a time. Each kernel
 * file includes it by dot_<instruction>.h, which defines neon_dot, what multiplies.
 *
 * The walk. One column at a time (linear.c gives three and more to the gemms), so this is a matter of instructions a weight.
 * Rows side by side share the loads of activations, and their sums, each spread over four lanes, are brought together by
 * pairwise additions to one vector with a row in each lane, so that scales are applied to four rows at once. Rows beyond the
 * last are computed as copies of the last and not stored: an output's chain of operations is the same wherever it stands.
 *
 * Instructions for 256 multiply-adds of one column with SDOT, where eight rows of q8_0 take 60: 16 loads of weights, 16 SDOT, 8
 * to clear sums, 6 pairwise additions, 8 loads of scales, 6 for both conversions, scale and addition.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_DOT_NEON_H
#define HARTREE_DOT_NEON_H

#include "kernels/simd_neon.h"

/* acc's lanes += the products of 16 bytes: which of them go to which lane is the instruction set's choice. */
KERNEL_INLINE int32x4_t neon_dot(int32x4_t acc, int8x16_t w, int8x16_t x);

/* One vector of the sums of four. */
KERNEL_INLINE int32x4_t neon_sums(const int32x4_t v[4])
{
    return vpaddq_s32(vpaddq_s32(v[0], v[1]), vpaddq_s32(v[2], v[3]));
}

/* y[0..n) = v. */
KERNEL_INLINE void dot_store(float *y, float32x4_t v, size_t n)
{
    float t[4];
    if (n >= 4) {
        vst1q_f32(y, v);
        return;
    }
    vst1q_f32(t, v);
    memcpy(y, t, n * sizeof *t);
}

/* Rows r0 .. r1-1 of column c. */
typedef void dot_strip(const struct dot_args *a, size_t r0, size_t r1, size_t c);

/* Strips of rows that stay in a second-level cache while the columns pass: memory sees each weight once. */
KERNEL_INLINE void dot_walk(const struct dot_args *a, dot_strip *strip)
{
    enum { STRIP_BYTES = 128 << 10, STEP = 8 };
    const size_t rows = (a->w_stride ? STRIP_BYTES / a->w_stride : 0) / STEP * STEP + STEP;
    for (size_t r0 = 0; r0 < a->rows; r0 += rows)
        for (size_t c = 0; c < a->cols; c++) strip(a, r0, a->rows - r0 < rows ? a->rows : r0 + rows, c);
}

/* A file's kernel and its row: tile(a, r, c, ...) does `step` rows from r on of column c. */
#define DOT_KERNEL(type, isa, features, step, tile, ...)                                                                       \
    static void strip(const struct dot_args *a, size_t r0, size_t r1, size_t c)                                                \
    {                                                                                                                          \
        for (size_t r = r0; r < r1; r += step) tile(a, r, c, __VA_ARGS__);                                                     \
    }                                                                                                                          \
    static void type##_dot_##isa(const struct dot_args *a)                                                                     \
    {                                                                                                                          \
        dot_walk(a, strip);                                                                                                    \
    }                                                                                                                          \
    KERNEL(type##_dot, isa, .needs = features)

/* The pointers of nr weight rows; those beyond the last are the last again. */
KERNEL_INLINE void dot_rows(const char *w[], const struct dot_args *a, size_t r, const int nr)
{
    w[0] = (const char *)a->w + r * a->w_stride;
    if (r + (size_t)nr <= a->rows) {
#pragma GCC unroll 8
        for (int i = 1; i < nr; i++) w[i] = w[i - 1] + a->w_stride;
    } else {
#pragma GCC unroll 8
        for (int i = 1; i < nr; i++) w[i] = w[i - 1] + (r + (size_t)i < a->rows ? a->w_stride : 0);
    }
}

/* ---- Blocks of 32: eight rows, whose pointers and the column's go through their blocks field by field ---- */

enum { DOT_ROWS32 = 8 };

/* Loads that move their pointers to what follows. By hand, because of the lanes and pairs that compilers know no such loads (or
 * keep offsets to one address, which loads of a lane do not have): a block of a row then takes as many instructions as it has
 * fields. */

/* The f16 that four pointers stand at. */
KERNEL_INLINE float32x4_t dot_f16x4(const char *w[4])
{
    float16x4_t h;
    __asm__ volatile("ld1 {%0.h}[0], [%1], #2\n\tld1 {%0.h}[1], [%2], #2\n\tld1 {%0.h}[2], [%3], #2\n\tld1 {%0.h}[3], [%4], #2"
                     : "=w"(h), "+r"(w[0]), "+r"(w[1]), "+r"(w[2]), "+r"(w[3])
                     :
                     : "memory");
    return vcvt_f32_f16(h);
}

/* The 16 bytes, or the 32, that *w stands at. */
KERNEL_INLINE uint8x16_t dot_next16(const char **w)
{
    uint8x16_t v;
    __asm__ volatile("ldr %q0, [%1], #16" : "=w"(v), "+r"(*w) : : "memory");
    return v;
}

KERNEL_INLINE int8x16x2_t q8_0_next(const char **w)
{
    int8x16x2_t v;
    __asm__ volatile("ldp %q0, %q1, [%2], #32" : "=w"(v.val[0]), "=w"(v.val[1]), "+r"(*w) : : "memory");
    return v;
}

struct dot_x32 {
    float32x4_t d; /* in every lane: loaded so, it costs nothing, where gcc would copy it */
    int32_t sum;
    int8x16x2_t q;
};

/* The activation block that *x stands at; moves to the next. */
KERNEL_INLINE struct dot_x32 dot_read_x32(const char **x)
{
    const void *d = *x; /* it comes first */
    const struct block_q8_a32 *b = d;
    *x += sizeof *b;
    return (struct dot_x32){vld1q_dup_f32(d), b->sum, {{vld1q_s8(b->qs), vld1q_s8(b->qs + 16)}}};
}

/* sum += d * x's scale * (s - offset * x's sum) + m * x's scale * x's sum. */
KERNEL_INLINE void dot_scale32(float32x4_t *sum, int32x4_t s, const struct dot_x32 *x, float32x4_t d, float32x4_t m,
                               const int offset, const int has_min)
{
    if (offset) s = vsubq_s32(s, vdupq_n_s32(offset * x->sum));
    *sum = vfmaq_f32(*sum, vcvtq_f32_s32(s), vmulq_f32(d, x->d));
    if (has_min) *sum = vfmaq_f32(*sum, m, vmulq_n_f32(x->d, (float)x->sum));
}

/* Four rows' sums of products of the 32 codes that their pointers stand at, which it moves to the next blocks. */
typedef int32x4_t dot_sums32(const char *w[4], const struct dot_x32 *x);

/* Row by row: next(&w) reads the 32 codes that w stands at and moves it to the next block. */
typedef int8x16x2_t dot_next32(const char **w);

KERNEL_INLINE int32x4_t dot_by_row(const char *w[4], const struct dot_x32 *x, dot_next32 *next)
{
    int8x16x2_t q[4];
    int32x4_t s[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) q[i] = next(&w[i]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) s[i] = neon_dot(neon_dot(vdupq_n_s32(0), q[i].val[0], x->q.val[0]), q[i].val[1], x->q.val[1]);
    return neon_sums(s);
}

KERNEL_INLINE int32x4_t dot_sums8(const char *w[4], const struct dot_x32 *x)
{
    return dot_by_row(w, x, q8_0_next);
}

KERNEL_INLINE void dot_tile32(const struct dot_args *a, size_t r, size_t c, dot_sums32 *sums, const int offset,
                              const int has_min)
{
    const char *rows[DOT_ROWS32], *xs = (const char *)a->x + c * a->x_stride;
    float32x4_t sum[2] = {vdupq_n_f32(0), vdupq_n_f32(0)};
    dot_rows(rows, a, r, DOT_ROWS32);
    for (size_t k = a->n; k; k -= 32) {
        const struct dot_x32 x = dot_read_x32(&xs);
#pragma GCC unroll 2
        for (int g = 0; g < 2; g++) {
            const char **w = rows + 4 * g;
            const float32x4_t d = dot_f16x4(w), m = has_min ? dot_f16x4(w) : d;
            dot_scale32(&sum[g], sums(w, &x), &x, d, m, offset, has_min);
        }
    }
    float *y = a->y + c * a->ldy + r;
    dot_store(y, sum[0], a->rows - r);
    if (r + 4 < a->rows) dot_store(y + 4, sum[1], a->rows - r - 4);
}

/* sums: dot_sums4, 5 or 8, by the bits of a code. */
#define DOT_KERNEL32(type, isa, sums, features)                                                                                \
    DOT_KERNEL(type, isa, features, DOT_ROWS32, dot_tile32, sums, type##_OFFSET, type##_MIN)

#endif
