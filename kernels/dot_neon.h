/* dot_neon.h - products of a few columns on aarch64: weights are read where they lie, four or eight rows at a time. Each kernel
 * file includes it by dot_<instruction>.h, which defines neon_dot, what multiplies.
 *
 * The walk. Up to four columns pass by together, so that codes and scales are unpacked once for them. Rows go by fours: their
 * sums, each spread over four lanes, are brought together by pairwise additions to one vector with a row in each lane, so that
 * scales are applied to four rows at once. Rows beyond the last are computed as copies of the last and not stored: an output's
 * chain of operations is the same wherever it stands.
 *
 * Sums. One set of running sums serves all columns and all blocks. They are never set back to zero: what some codes and a
 * column give is how much the sums' totals have risen, exact modulo 2^32. That takes one subtraction, where zeros would take
 * four moves.
 *
 * Loads by structure (LD4 to a lane) would put rows side by side without any additions, in fewer instructions; but each of them
 * takes the vector pipes as long as four additions (llvm-mca 19, neoverse-n1: two cycles).
 *
 * Instructions for 256 multiply-adds of one column with SDOT, eight rows of q8_0, 52: 8 loads of weights (pairs), 16 SDOT, 6
 * pairwise additions and 2 subtractions, 8 loads of scales, 8 for conversions, scale and addition, 2 for x. Another
 * column takes 32.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_DOT_NEON_H
#define HARTREE_DOT_NEON_H

#include "kernels/dot_columns.h"
#include "kernels/simd_neon.h"

/* acc's lanes += the products of 16 bytes: which of them go to which lane is the instruction set's choice. */
KERNEL_INLINE int32x4_t neon_dot(int32x4_t acc, int8x16_t w, int8x16_t x);

/* ---- Running sums of four rows ---- */

struct dot_sums {
    int32x4_t run[4];  /* a row's, over four lanes */
    uint32x4_t before; /* their totals when last asked for, a row in each lane */
};

KERNEL_INLINE struct dot_sums dot_sums_zero(void)
{
    const int32x4_t zero = vdupq_n_s32(0);
    return (struct dot_sums){{zero, zero, zero, zero}, vdupq_n_u32(0)};
}

/* What the sums have risen by since it was last asked, a row in each lane. By hand, in the order written, as neon_dot adds to
 * them: else the compiler adds before it has read a sum, and copies it first. */
KERNEL_INLINE int32x4_t dot_rise(struct dot_sums *s)
{
    uint32x4_t now, other;
    __asm__ volatile("addp %0.4s, %2.4s, %3.4s\n\taddp %1.4s, %4.4s, %5.4s\n\taddp %0.4s, %0.4s, %1.4s"
                     : "=&w"(now), "=&w"(other)
                     : "w"(s->run[0]), "w"(s->run[1]), "w"(s->run[2]), "w"(s->run[3]));
    const uint32x4_t rise = vsubq_u32(now, s->before);
    s->before = now;
    return vreinterpretq_s32_u32(rise);
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

/* ---- Rows ---- */

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

/* ---- Blocks of 32: four or eight rows, whose pointers and the columns' go through their blocks field by field ---- */

/* How many times four rows go together: eight share the activations of up to two columns, more have no room in registers. */
KERNEL_INLINE int dot_fours(const int cols)
{
    return cols <= 2 ? 2 : 1;
}

/* Loads that move their pointers to what follows. By hand, because of the lanes and pairs that compilers know no such loads (or
 * keep offsets to one address, which loads of a lane do not have): a block of a row then takes as many instructions as it has
 * fields. */

/* The f16 that four pointers stand at. The first load fills the register: one of a lane waits for what was in it before. */
KERNEL_INLINE float32x4_t dot_f16x4(const char *w[4])
{
    float16x4_t h;
    __asm__ volatile("ldr %h0, [%1], #2\n\tld1 {%0.h}[1], [%2], #2\n\tld1 {%0.h}[2], [%3], #2\n\tld1 {%0.h}[3], [%4], #2"
                     : "=w"(h), "+r"(w[0]), "+r"(w[1]), "+r"(w[2]), "+r"(w[3])
                     :
                     : "memory");
    return vcvt_f32_f16(h);
}

/* The 16 bytes, or the 32, that *w stands at; four bytes in each lane. */
KERNEL_INLINE uint8x16_t dot_next16(const char **w)
{
    uint8x16_t v;
    __asm__ volatile("ldr %q0, [%1], #16" : "=w"(v), "+r"(*w) : : "memory");
    return v;
}

KERNEL_INLINE int8x16x2_t dot_next32(const char **w)
{
    int8x16x2_t v;
    __asm__ volatile("ldp %q0, %q1, [%2], #32" : "=w"(v.val[0]), "=w"(v.val[1]), "+r"(*w) : : "memory");
    return v;
}

KERNEL_INLINE uint8x16_t dot_next4(const char **w)
{
    uint8x16_t v;
    __asm__ volatile("ld1r {%0.4s}, [%1], #4" : "=w"(v), "+r"(*w) : : "memory");
    return v;
}

/* The 32 codes that *w stands at: those of eight bits, of four, of five. */
typedef int8x16x2_t dot_next(const char **w);

KERNEL_INLINE int8x16x2_t dot_codes8(const char **w)
{
    return dot_next32(w);
}

KERNEL_INLINE int8x16x2_t dot_codes4(const char **w)
{
    return neon_nibbles(dot_next16(w));
}

KERNEL_INLINE int8x16x2_t dot_codes5(const char **w)
{
    const uint8x16_t bits = dot_next4(w);
    return neon_codes5(dot_next16(w), bits);
}

/* A column's block: its scale and, where they are asked for, the sum of its codes, in every lane. */
struct dot_x32 {
    float32x4_t d;
    int32x4_t sum;
    int8x16x2_t q;
};

/* The activation block that *x stands at. */
KERNEL_INLINE struct dot_x32 dot_read_x32(const char **x, const int with_sum)
{
    struct dot_x32 o = {.sum = vdupq_n_s32(0)};
    if (with_sum) {
        o.d = vreinterpretq_f32_u8(dot_next4(x));
        o.sum = vreinterpretq_s32_u8(dot_next4(x));
    } else {
        const size_t codes = offsetof(struct block_q8_a32, qs);
        __asm__ volatile("ld1r {%0.4s}, [%1], %2" : "=w"(o.d), "+r"(*x) : "r"(codes) : "memory");
    }
    o.q = dot_next32(x);
    return o;
}

/* sum += d * x's scale * (s - offset * x's sum) + m * x's scale * x's sum. */
KERNEL_INLINE void dot_scale32(float32x4_t *sum, int32x4_t s, const struct dot_x32 *x, float32x4_t d, float32x4_t m,
                               const int offset, const int has_min)
{
    if (offset) s = vsubq_s32(s, vmulq_n_s32(x->sum, offset));
    *sum = vfmaq_f32(*sum, vcvtq_f32_s32(s), vmulq_f32(d, x->d));
    if (has_min) *sum = vfmaq_f32(*sum, m, vmulq_f32(x->d, vcvtq_f32_s32(x->sum)));
}

KERNEL_INLINE void dot_tile32(const struct dot_args *a, size_t r, size_t c, const int cols, dot_next *next, const int offset,
                              const int has_min)
{
    const int fours = dot_fours(cols);
    const char *rows[8], *xs[DOT_COLS];
    float32x4_t y[DOT_COLS][2];
    struct dot_sums sums = dot_sums_zero();
    dot_rows(rows, a, r, 4 * fours);
#pragma GCC unroll 4
    for (int t = 0; t < cols; t++) {
        xs[t] = dot_column(a, c + (size_t)t);
        y[t][0] = y[t][1] = vdupq_n_f32(0);
    }
    for (size_t k = a->n; k; k -= 32) {
        struct dot_x32 x[DOT_COLS];
#pragma GCC unroll 4
        for (int t = 0; t < cols; t++) x[t] = dot_read_x32(&xs[t], offset || has_min);
#pragma GCC unroll 2
        for (int g = 0; g < fours; g++) {
            const char **w = rows + 4 * g;
            const float32x4_t d = dot_f16x4(w), m = has_min ? dot_f16x4(w) : d;
            int8x16x2_t q[4];
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++) q[i] = next(&w[i]);
#pragma GCC unroll 4
            for (int t = 0; t < cols; t++) {
#pragma GCC unroll 8
                for (int i = 0; i < 8; i++) sums.run[i % 4] = neon_dot(sums.run[i % 4], q[i % 4].val[i / 4], x[t].q.val[i / 4]);
                dot_scale32(&y[t][g], dot_rise(&sums), &x[t], d, m, offset, has_min);
            }
        }
    }
#pragma GCC unroll 4
    for (int t = 0; t < cols; t++) {
        float *to = a->y + (c + (size_t)t) * a->ldy + r;
        dot_store(to, y[t][0], a->rows - r);
        if (fours == 2 && r + 4 < a->rows) dot_store(to + 4, y[t][1], a->rows - r - 4);
    }
}

KERNEL_INLINE void dot_strip32(const struct dot_args *a, size_t c, const int cols, dot_next *next, const int offset,
                               const int has_min)
{
    for (size_t r = 0; r < a->rows; r += 4 * (size_t)dot_fours(cols)) dot_tile32(a, r, c, cols, next, offset, has_min);
}

/* next: dot_codes4, 5 or 8, by the bits of a code. */
#define DOT_KERNEL32(type, isa, features, columns, next)                                                                       \
    DOT_KERNEL(type, isa, features, columns, dot_strip32, next, type##_OFFSET, type##_MIN)

#endif
