/* dot_k_neon.h - dot_neon.h for blocks of 256: four rows, each by itself along k.
 *
 * What the codes of a sub-block give stands with a row in each lane, as do scales and minima: one multiply-add takes four rows'
 * scales, and one the minima of four rows times the activations' sum. So scales are unpacked for four rows at once, byte beside
 * byte. Offsets of codes are products with these sums, too.
 *
 * Instructions for 1024 multiply-adds (4 rows of q4_K) of one column with SDOT, 263: 16 loads of codes (pairs), 64 to unpack,
 * 64 SDOT, 32 to bring the sums together, 8 multiply-adds, 8 loads of activations, the rest for scales and minima. Another
 * column takes 134.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_DOT_K_NEON_H
#define HARTREE_DOT_K_NEON_H

#include "kernels/dot_neon.h"

/* One block of each of four rows. Sub-block s stands in vector s / 2, the even ones in its lower half, with a row in each lane:
 * its scales, and what multiplies the activations' sums in it: minima, or the scales again where codes have an offset. */
struct dot_scales {
    float32x4_t d, dmin;
    int16x8_t scale[8], weight[8];
};
typedef struct dot_scales dot_open256(const char *const w[4]);

/* The 16 bytes that stand `at` bytes into each of four blocks: byte j of row i is byte 4 (j % 4) + i of v[j / 4]. */
struct dot_bytes {
    uint8x16_t v[4];
};

KERNEL_INLINE struct dot_bytes dot_bytes(const char *const w[4], size_t at)
{
    const uint8x16_t r0 = neon_load(w[0] + at), r1 = neon_load(w[1] + at), r2 = neon_load(w[2] + at), r3 = neon_load(w[3] + at);
    const uint8x16_t even0 = vzip1q_u8(r0, r2), even1 = vzip2q_u8(r0, r2);
    const uint8x16_t odd0 = vzip1q_u8(r1, r3), odd1 = vzip2q_u8(r1, r3);
    return (struct dot_bytes){{vzip1q_u8(even0, odd0), vzip2q_u8(even0, odd0), vzip1q_u8(even1, odd1), vzip2q_u8(even1, odd1)}};
}

/* Four rows' f16 from such bytes: their lower ones in the first (the third) word of v, their upper ones in the next. */
KERNEL_INLINE float16x8_t dot_f16x8(uint8x16_t v)
{
    const uint8x16_t pairs = {0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15};
    return vreinterpretq_f16_u8(vqtbl1q_u8(v, pairs));
}

/* The f16 that stands `at` bytes into each of four blocks. */
KERNEL_INLINE float32x4_t dot_block_f16x4(const char *const w[4], size_t at)
{
    uint16_t h[4];
    for (int i = 0; i < 4; i++) memcpy(&h[i], w[i] + at, sizeof h[i]);
    return vcvt_f32_f16(vreinterpret_f16_u16((uint16x4_t){h[0], h[1], h[2], h[3]}));
}

/* Four sub-blocks from byte beside byte to vectors. */
KERNEL_INLINE void dot_widen(int16x8_t to[2], uint8x16_t bytes)
{
    const int8x16_t v = vreinterpretq_s8_u8(bytes);
    to[0] = vmovl_s8(vget_low_s8(v)), to[1] = vmovl_high_s8(v);
}

KERNEL_INLINE struct dot_scales q2_K_open(const char *const w[4])
{
    const struct dot_bytes b = dot_bytes(w, offsetof(struct block_q2_K, scales));
    struct dot_scales o = {.d = dot_block_f16x4(w, offsetof(struct block_q2_K, d)),
                           .dmin = dot_block_f16x4(w, offsetof(struct block_q2_K, dmin))};
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        dot_widen(o.scale + 2 * j, neon_bits(b.v[j], 0, 15));
        dot_widen(o.weight + 2 * j, vshrq_n_u8(b.v[j], 4));
    }
    return o;
}

/* The last 16 bytes of a block: two of codes, then the scales of which blocks.h draws the bits, then d. */
KERNEL_INLINE struct dot_scales q3_K_open(const char *const w[4])
{
    const struct dot_bytes b = dot_bytes(w, sizeof(struct block_q3_K) - 16);
    const uint8x16_t low0 = vextq_u8(b.v[0], b.v[1], 8), low1 = vextq_u8(b.v[1], b.v[2], 8), high = vextq_u8(b.v[2], b.v[3], 8);
    const uint8x16_t high2 = vshrq_n_u8(high, 2), mask = vdupq_n_u8(63);
    const uint8x16_t sc[4] = {vandq_u8(vsliq_n_u8(low0, high, 4), mask), vandq_u8(vsliq_n_u8(low1, high2, 4), mask),
                              vandq_u8(vsriq_n_u8(high, low0, 4), mask), vsriq_n_u8(high2, low1, 4)};
    struct dot_scales o = {.d = vcvt_high_f32_f16(dot_f16x8(b.v[3]))};
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) dot_widen(o.scale + 2 * j, vsubq_u8(sc[j], vdupq_n_u8(32)));
    return o;
}

KERNEL_INLINE struct dot_scales q6_K_open(const char *const w[4])
{
    const struct dot_bytes b = dot_bytes(w, offsetof(struct block_q6_K, scales));
    struct dot_scales o = {.d = dot_block_f16x4(w, offsetof(struct block_q6_K, d))};
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) dot_widen(o.scale + 2 * j, b.v[j]);
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) o.weight[j] = o.scale[j];
    return o;
}

/* q4_K and q5_K begin with the same 16 bytes: d and dmin, then the 12 bytes of 6-bit fields as blocks.h draws them. */
KERNEL_INLINE struct dot_scales q4_K_open(const char *const w[4])
{
    const struct dot_bytes b = dot_bytes(w, 0);
    const uint8x16_t mask = vdupq_n_u8(63), low = b.v[1], least = b.v[2], both = b.v[3];
    const float16x8_t d = dot_f16x8(b.v[0]);
    struct dot_scales o = {.d = vcvt_f32_f16(vget_low_f16(d)), .dmin = vcvt_high_f32_f16(d)};
    dot_widen(o.scale, vandq_u8(low, mask));
    dot_widen(o.weight, vandq_u8(least, mask));
    dot_widen(o.weight + 2, vsliq_n_u8(vshrq_n_u8(both, 4), vshrq_n_u8(least, 6), 4));
    dot_widen(o.scale + 2, vandq_u8(vsliq_n_u8(both, vshrq_n_u8(low, 6), 4), mask));
    return o;
}

KERNEL_INLINE struct dot_scales q5_K_open(const char *const w[4])
{
    return q4_K_open(w);
}

KERNEL_INLINE int32x4_t dot_scale(const struct dot_scales *o, const int s)
{
    return s % 2 ? vmovl_high_s16(o->scale[s / 2]) : vmovl_s16(vget_low_s16(o->scale[s / 2]));
}

/* m + the weights of eight sub-blocks times a column's sums in them. */
KERNEL_INLINE int32x4_t dot_weights8(int32x4_t m, const int16x8_t weight[4], int16x8_t sums)
{
    m = vmlal_laneq_s16(m, vget_low_s16(weight[0]), sums, 0);
    m = vmlal_high_laneq_s16(m, weight[0], sums, 1);
    m = vmlal_laneq_s16(m, vget_low_s16(weight[1]), sums, 2);
    m = vmlal_high_laneq_s16(m, weight[1], sums, 3);
    m = vmlal_laneq_s16(m, vget_low_s16(weight[2]), sums, 4);
    m = vmlal_high_laneq_s16(m, weight[2], sums, 5);
    m = vmlal_laneq_s16(m, vget_low_s16(weight[3]), sums, 6);
    return vmlal_high_laneq_s16(m, weight[3], sums, 7);
}

KERNEL_INLINE int32x4_t dot_weights(const struct dot_scales *o, const struct block_q8_a256 *x, const int subs)
{
    const int16x8_t low = neon_bsums(x, 0), high = neon_bsums(x, 1);
    const int32x4_t zero = vdupq_n_s32(0);
    if (subs == 8) return dot_weights8(zero, o->weight, vpaddq_s16(low, high));
    return dot_weights8(dot_weights8(zero, o->weight, low), o->weight + 4, high);
}

KERNEL_INLINE void dot_tile256(const struct dot_args *a, size_t r, size_t c, const int cols, const size_t w_bytes,
                               dot_open256 *open, neon_unpack64 *unpack, const int subs, const int offset, const int has_min)
{
    const char *w[4], *xs[DOT_COLS];
    float32x4_t y[DOT_COLS];
    struct dot_sums sums = dot_sums_zero();
    dot_rows(w, a, r, 4);
#pragma GCC unroll 4
    for (int t = 0; t < cols; t++) xs[t] = dot_column(a, c + (size_t)t), y[t] = vdupq_n_f32(0);
    for (size_t k = a->n; k; k -= 256) {
        const struct dot_scales o = open(w);
        const struct block_q8_a256 *x[DOT_COLS];
        int32x4_t total[DOT_COLS];
#pragma GCC unroll 4
        for (int t = 0; t < cols; t++) {
            x[t] = (const struct block_q8_a256 *)xs[t];
            xs[t] += offsetof(struct block_q8_a256, qs);
            total[t] = vdupq_n_s32(0);
            if (offset) total[t] = vmulq_n_s32(dot_weights(&o, x[t], subs), -offset);
            if (has_min) y[t] = vfmsq_f32(y[t], vcvtq_f32_s32(dot_weights(&o, x[t], subs)), vmulq_n_f32(o.dmin, x[t]->d));
        }
#pragma GCC unroll 4
        for (int g = 0; g < 4; g++) {
            struct neon_codes64 q[4];
            /* One group after the other: the compiler would unpack many at once and spill them. */
            __asm__ volatile("" : "+r"(w[0]), "+r"(w[1]), "+r"(w[2]), "+r"(w[3]));
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++) q[i] = unpack(w[i], g);
            /* A sub-block's codes are one vector of the four, or two. */
            const int many = 16 / subs;
#pragma GCC unroll 4
            for (int v = 0; v < 4; v += many) {
                const int at = neon_element(subs, g, v);
                const int32x4_t scale = dot_scale(&o, at * subs / 256);
#pragma GCC unroll 4
                for (int t = 0; t < cols; t++) {
                    /* In order, pairs of 16 are one load. */
                    const int8x16x2_t codes = subs == 8 ? dot_next32(&xs[t]) : (int8x16x2_t){{vld1q_s8(x[t]->qs + at)}};
#pragma GCC unroll 8
                    for (int i = 0; i < 4 * many; i++)
                        sums.run[i % 4] =
                            neon_dot(sums.run[i % 4], vreinterpretq_s8_u8(q[i % 4].q[v + i / 4]), codes.val[i / 4]);
                    total[t] = vmlaq_s32(total[t], dot_rise(&sums), scale);
                    __asm__("" : "+w"(total[t])); /* where it is: else gcc copies it first */
                }
            }
        }
#pragma GCC unroll 4
        for (int t = 0; t < cols; t++) {
            y[t] = vfmaq_f32(y[t], vcvtq_f32_s32(total[t]), vmulq_n_f32(o.d, x[t]->d));
            xs[t] = (const char *)(x[t] + 1);
        }
        for (int i = 0; i < 4; i++) w[i] += w_bytes;
    }
#pragma GCC unroll 4
    for (int t = 0; t < cols; t++) dot_store(a->y + (c + (size_t)t) * a->ldy + r, y[t], a->rows - r);
}

KERNEL_INLINE void dot_strip256(const struct dot_args *a, size_t c, const int cols, const size_t w_bytes, dot_open256 *open,
                                neon_unpack64 *unpack, const int subs, const int offset, const int has_min)
{
    for (size_t r = 0; r < a->rows; r += 4) dot_tile256(a, r, c, cols, w_bytes, open, unpack, subs, offset, has_min);
}

#define DOT_KERNEL256(type, isa, features, columns)                                                                            \
    DOT_KERNEL(type, isa, features, columns, dot_strip256, sizeof(struct block_##type), type##_open, type##_unpack,            \
               type##_SUBS, type##_OFFSET, type##_MIN)

#endif
