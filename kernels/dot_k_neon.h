/* dot_k_neon.h - dot_neon.h for blocks of 256: four rows, each by itself along k.
 *
 * A running sum R of products is never set back to zero, and what a block gives is the sum of R[s] * (sc[s] - sc[s + 1]) over
 * its sub-blocks, as in gemm_neon.h: one multiply-add a sub-block, by a lane of the row's differences of scales. Scales are
 * unpacked for four rows at once where their layout allows. Offsets and minima are products with the activations' sums of 16.
 *
 * Instructions for 1024 multiply-adds (4 rows of q4_K): 32 loads of codes, 64 to unpack, 64 SDOT, 32 multiply-adds, 16 loads of
 * activations, some 60 for scales and minima.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_DOT_K_NEON_H
#define HARTREE_DOT_K_NEON_H

#include "kernels/dot_neon.h"

/* One block of each of four rows. step[i]: row i's differences of scales, in the order in which codes are unpacked; weight[i]:
 * what multiplies the sums of 8 (or twice 8) sub-blocks: minima, or the scales as they are. */
struct dot_scales {
    float32x4_t d, dmin;
    int32x4_t step[4][4];
    int16x8_t weight[4][2];
};
typedef struct dot_scales dot_open256(const char *const w[4]);                  /* what is done for four rows at once */
typedef void dot_open_row256(struct dot_scales *o, const int i, const char *w); /* what is done for row i */

/* The f16 that stands `at` bytes into each of four blocks. */
KERNEL_INLINE float32x4_t dot_block_f16x4(const char *const w[4], size_t at)
{
    uint16_t h[4];
    for (int i = 0; i < 4; i++) memcpy(&h[i], w[i] + at, sizeof h[i]);
    return vcvt_f32_f16(vreinterpret_f16_u16((uint16x4_t){h[0], h[1], h[2], h[3]}));
}

/* Row i's 16 signed scales, and weights where the type multiplies sums by something else. */
KERNEL_INLINE void dot_scales16(struct dot_scales *o, const int i, int8x16_t sc, int8x16_t weight)
{
    /* The order of neon_element with 16 sub-blocks. */
    const uint8x16_t order = {0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15};
    const int8x16_t s = vqtbl1q_s8(sc, order), next = vextq_s8(s, vdupq_n_s8(0), 1);
    const int16x8_t low = vsubl_s8(vget_low_s8(s), vget_low_s8(next)), high = vsubl_high_s8(s, next);
    o->step[i][0] = vmovl_s16(vget_low_s16(low)), o->step[i][1] = vmovl_high_s16(low);
    o->step[i][2] = vmovl_s16(vget_low_s16(high)), o->step[i][3] = vmovl_high_s16(high);
    o->weight[i][0] = vmovl_s8(vget_low_s8(weight)), o->weight[i][1] = vmovl_high_s8(weight);
}

KERNEL_INLINE struct dot_scales q2_K_open(const char *const w[4])
{
    return (struct dot_scales){.d = dot_block_f16x4(w, offsetof(struct block_q2_K, d)),
                               .dmin = dot_block_f16x4(w, offsetof(struct block_q2_K, dmin))};
}

KERNEL_INLINE void q2_K_open_row(struct dot_scales *o, const int i, const char *w)
{
    const uint8x16_t v = neon_load(w);
    dot_scales16(o, i, vreinterpretq_s8_u8(neon_bits(v, 0, 15)), vreinterpretq_s8_u8(vshrq_n_u8(v, 4)));
}

KERNEL_INLINE struct dot_scales q3_K_open(const char *const w[4])
{
    return (struct dot_scales){.d = dot_block_f16x4(w, offsetof(struct block_q3_K, d))};
}

KERNEL_INLINE void q3_K_open_row(struct dot_scales *o, const int i, const char *w)
{
    const int8x16_t down = {0, 0, 0, 0, -2, -2, -2, -2, -4, -4, -4, -4, -6, -6, -6, -6};
    const uint8_t *scales = (const uint8_t *)w + offsetof(struct block_q3_K, scales);
    uint32_t pairs;
    memcpy(&pairs, scales + 8, sizeof pairs);
    const uint8x8_t low = vld1_u8(scales);
    const uint8x16_t high = vshlq_u8(vreinterpretq_u8_u32(vdupq_n_u32(pairs)), down); /* bits 5:4 of a scale at 1:0 */
    const uint8x16_t v = vsliq_n_u8(vcombine_u8(low, vshr_n_u8(low, 4)), neon_bits(high, 0, 3), 4);
    const int8x16_t sc = vsubq_s8(vreinterpretq_s8_u8(v), vdupq_n_s8(32));
    dot_scales16(o, i, sc, sc);
}

KERNEL_INLINE struct dot_scales q6_K_open(const char *const w[4])
{
    return (struct dot_scales){.d = dot_block_f16x4(w, offsetof(struct block_q6_K, d))};
}

KERNEL_INLINE void q6_K_open_row(struct dot_scales *o, const int i, const char *w)
{
    const int8x16_t sc = vreinterpretq_s8_u8(neon_load(w + offsetof(struct block_q6_K, scales)));
    dot_scales16(o, i, sc, sc);
}

/* Byte j of lane i is row i's step j: widens them to the four rows' vectors. */
KERNEL_INLINE void dot_steps4(struct dot_scales *o, const int part, uint32x4_t steps)
{
    const int8x16_t s = vreinterpretq_s8_u32(steps);
    const int16x8_t low = vmovl_s8(vget_low_s8(s)), high = vmovl_high_s8(s);
    o->step[0][part] = vmovl_s16(vget_low_s16(low)), o->step[1][part] = vmovl_high_s16(low);
    o->step[2][part] = vmovl_s16(vget_low_s16(high)), o->step[3][part] = vmovl_high_s16(high);
}

/* q4_K and q5_K begin with the same 16 bytes, four words: d and dmin, then the 12 bytes of 6-bit fields as blocks.h draws them.
 * With the rows' words side by side, each operation unpacks 16 scales. */
KERNEL_INLINE struct dot_scales q4_K_open(const char *const w[4])
{
    uint32x4_t v[4];
    for (int i = 0; i < 4; i++) v[i] = vreinterpretq_u32_u8(neon_load(w[i]));
    const uint32x4_t v02 = vzip1q_u32(v[0], v[2]), v13 = vzip1q_u32(v[1], v[3]);
    const uint32x4_t w02 = vzip2q_u32(v[0], v[2]), w13 = vzip2q_u32(v[1], v[3]);
    const uint32x4_t both = vzip1q_u32(v02, v13);
    const uint8x16_t a = vreinterpretq_u8_u32(vzip2q_u32(v02, v13)), b = vreinterpretq_u8_u32(vzip1q_u32(w02, w13)),
                     c = vreinterpretq_u8_u32(vzip2q_u32(w02, w13));
    const uint32x4_t sc0 = vreinterpretq_u32_u8(neon_bits(a, 0, 63)), mn0 = vreinterpretq_u32_u8(neon_bits(b, 0, 63));
    const uint32x4_t mn1 = vreinterpretq_u32_u8(vsliq_n_u8(vshrq_n_u8(c, 4), vshrq_n_u8(b, 6), 4));
    const uint32x4_t sc1 = vreinterpretq_u32_u8(vsliq_n_u8(c, vshrq_n_u8(a, 6), 4));
    struct dot_scales o = {.d = vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32(both))),
                           .dmin = vcvt_f32_f16(vreinterpret_f16_u16(vshrn_n_u32(both, 16)))};
    const uint32x4_t next0 = vsliq_n_u32(vshrq_n_u32(sc0, 8), sc1, 24), next1 = vshrq_n_u32(sc1, 8);
    dot_steps4(&o, 0, vreinterpretq_u32_u8(vsubq_u8(vreinterpretq_u8_u32(sc0), vreinterpretq_u8_u32(next0))));
    dot_steps4(&o, 1, vreinterpretq_u32_u8(vsubq_u8(vreinterpretq_u8_u32(sc1), vreinterpretq_u8_u32(next1))));
    const uint8x16_t m01 = vreinterpretq_u8_u32(vzip1q_u32(mn0, mn1)), m23 = vreinterpretq_u8_u32(vzip2q_u32(mn0, mn1));
    o.weight[0][0] = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(m01)));
    o.weight[1][0] = vreinterpretq_s16_u16(vmovl_high_u8(m01));
    o.weight[2][0] = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(m23)));
    o.weight[3][0] = vreinterpretq_s16_u16(vmovl_high_u8(m23));
    return o;
}

KERNEL_INLINE struct dot_scales q5_K_open(const char *const w[4])
{
    return q4_K_open(w);
}

KERNEL_INLINE void q4_K_open_row(struct dot_scales *o, const int i, const char *w)
{
    (void)o, (void)i, (void)w;
}

KERNEL_INLINE void q5_K_open_row(struct dot_scales *o, const int i, const char *w)
{
    (void)o, (void)i, (void)w;
}

/* One row's group of 64 codes with one column: *run goes on, *sum gets its multiples. */
KERNEL_INLINE void dot_group(int32x4_t *run, int32x4_t *sum, const struct neon_codes64 *c, const int8x16_t x[4],
                             const int32x4_t step[4], const int subs, const int g)
{
    int8x16_t q[4];
    for (int v = 0; v < 4; v++) q[v] = vreinterpretq_s8_u8(c->q[v]);
#define STEP(at, lane)                                                                                                         \
    do {                                                                                                                       \
        *sum = vmlaq_laneq_s32(*sum, *run, step[at], lane);                                                                    \
        __asm__ volatile("" : "+w"(*run) : "w"(*sum)); /* else a copy of *run is added to */                                   \
    } while (0)
    *run = neon_dot(*run, q[0], x[0]);
    if (subs == 16) STEP(g, 0);
    *run = neon_dot(*run, q[1], x[1]);
    if (subs == 16)
        STEP(g, 1);
    else if (g % 2)
        STEP(g / 2, 2);
    else
        STEP(g / 2, 0);
    *run = neon_dot(*run, q[2], x[2]);
    if (subs == 16) STEP(g, 2);
    *run = neon_dot(*run, q[3], x[3]);
    if (subs == 16)
        STEP(g, 3);
    else if (g % 2)
        STEP(g / 2, 3);
    else
        STEP(g / 2, 1);
#undef STEP
}

/* Rows first .. first + nr - 1 of a block: sum[i] and, by the sums of x, less[i]. */
KERNEL_INLINE void dot_block256(const char *const w[4], const struct block_q8_a256 *x, struct dot_scales *o, const int first,
                                const int nr, dot_open_row256 *open_row, neon_unpack64 *unpack, const int subs,
                                int32x4_t sum[4], int32x4_t less[4])
{
    int32x4_t run[4];
#pragma GCC unroll 4
    for (int i = first; i < first + nr; i++) {
        open_row(o, i, w[i]);
        run[i] = sum[i] = vdupq_n_s32(0);
    }
#pragma GCC unroll 4
    for (int g = 0; g < 4; g++) {
#pragma GCC unroll 4
        for (int i = first; i < first + nr; i++) {
            const struct neon_codes64 q = unpack(w[i], g);
            int8x16_t v[4];
            for (int j = 0; j < 4; j++) v[j] = vld1q_s8(x->qs + neon_element(subs, g, j));
            dot_group(&run[i], &sum[i], &q, v, o->step[i], subs, g);
            /* One group after the other: the compiler would unpack many at once and spill them. */
            __asm__ volatile("" : "+w"(run[i]), "+w"(sum[i]));
        }
    }
    const int16x8_t b0 = neon_bsums(x, 0), b1 = neon_bsums(x, 1), b = subs == 8 ? vpaddq_s16(b0, b1) : b0;
#pragma GCC unroll 4
    for (int i = first; i < first + nr; i++) {
        int32x4_t m = vmull_s16(vget_low_s16(b), vget_low_s16(o->weight[i][0]));
        m = vmlal_high_s16(m, b, o->weight[i][0]);
        if (subs == 16) {
            m = vmlal_s16(m, vget_low_s16(b1), vget_low_s16(o->weight[i][1]));
            m = vmlal_high_s16(m, b1, o->weight[i][1]);
        }
        less[i] = m;
    }
}

KERNEL_INLINE void dot_tile256(const struct dot_args *a, size_t r, size_t c, const size_t w_bytes, dot_open256 *open,
                               dot_open_row256 *open_row, neon_unpack64 *unpack, const int subs, const int offset)
{
    const char *w[4], *xs = (const char *)a->x + c * a->x_stride;
    float32x4_t y = vdupq_n_f32(0);
    dot_rows(w, a, r, 4);
    for (size_t k = a->n; k; k -= 256, xs += sizeof(struct block_q8_a256)) {
        const struct block_q8_a256 *x = (const struct block_q8_a256 *)xs;
        struct dot_scales o = open(w);
        int32x4_t sum[4], less[4];
        if (subs == 8) {
            dot_block256(w, x, &o, 0, 4, open_row, unpack, subs, sum, less);
        } else { /* two rows' differences of scales fill eight registers */
            dot_block256(w, x, &o, 0, 2, open_row, unpack, subs, sum, less);
            dot_block256(w, x, &o, 2, 2, open_row, unpack, subs, sum, less);
        }
        int32x4_t total = neon_sums(sum);
        const int32x4_t off = neon_sums(less);
        if (offset) total = vmlsq_s32(total, off, vdupq_n_s32(offset));
        y = vfmaq_f32(y, vcvtq_f32_s32(total), vmulq_n_f32(o.d, x->d));
        if (!offset) y = vfmsq_f32(y, vcvtq_f32_s32(off), vmulq_n_f32(o.dmin, x->d));
        for (int i = 0; i < 4; i++) w[i] += w_bytes;
    }
    dot_store(a->y + c * a->ldy + r, y, a->rows - r);
}

#define DOT_KERNEL256(type, isa, features)                                                                                     \
    DOT_KERNEL(type, isa, features, 4, dot_tile256, sizeof(struct block_##type), type##_open, type##_open_row, type##_unpack,  \
               type##_SUBS, type##_OFFSET)

#endif
