/* dot_dotprod.h - the products of dot_neon.h with SDOT, where each lane gets the sum of four products.
 *
 * The types with nibbles are read across rows: LD4 to one lane puts the 16 bytes of a row to the same lane of four registers,
 * so that each holds four bytes of four rows and, unpacked, multiplies four bytes of activations taken by lane. Then a lane's
 * sum is a row's: nothing is added across lanes, one register of zeros starts four rows, and one table look-up spreads the
 * fifth bits of four rows. Instructions for 256 multiply-adds, eight rows of q5_0: 24 loads, 42 to unpack, 16 SDOT, 12 for
 * scales, 4 for the loop and x.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_DOT_DOTPROD_H
#define HARTREE_DOT_DOTPROD_H

#include "kernels/dot_neon.h"

KERNEL_INLINE int32x4_t neon_dot(int32x4_t acc, int8x16_t w, int8x16_t x)
{
    /* In the order written: given the intrinsic, gcc moves additions past the reads of a sum, and copies it first. */
    __asm__ volatile("sdot %0.4s, %1.16b, %2.16b" : "+w"(acc) : "w"(w), "w"(x));
    return acc;
}

/* Element 4j + b of row i's 32 is byte 4i + b of q[j]. */
struct dot_across {
    int8x16_t q[8];
};

/* Constants for the fifth bits, held in registers. row[b]: byte b of each row's four, spread over them; bit: the four bits of
 * it that belong to an even j, and to an odd one. */
struct dot_spread {
    uint8x16_t row[4], bit[2];
};

KERNEL_INLINE struct dot_spread dot_spread_new(void)
{
    struct dot_spread s;
    for (int b = 0; b < 4; b++) {
        s.row[b] = vaddq_u8(vreinterpretq_u8_u32((uint32x4_t){0, 0x04040404, 0x08080808, 0x0c0c0c0c}), vdupq_n_u8((uint8_t)b));
        __asm__("" : "+w"(s.row[b])); /* else it is loaded anew for each block */
    }
    s.bit[0] = vreinterpretq_u8_u32(vdupq_n_u32(0x08040201));
    s.bit[1] = vreinterpretq_u8_u32(vdupq_n_u32(0x80402010));
    return s;
}

/* The 16 bytes that four pointers stand at, across; moves them on. The four registers of LD4 must be consecutive ones. */
struct dot_words {
    uint8x16_t v[4];
};

KERNEL_INLINE struct dot_words dot_words(const char *w[4])
{
    register uint8x16_t a __asm__("v16");
    register uint8x16_t b __asm__("v17");
    register uint8x16_t c __asm__("v18");
    register uint8x16_t d __asm__("v19");
    __asm__ volatile("ld4r {v16.4s, v17.4s, v18.4s, v19.4s}, [%4], #16\n\t"
                     "ld4 {v16.s, v17.s, v18.s, v19.s}[1], [%5], #16\n\t"
                     "ld4 {v16.s, v17.s, v18.s, v19.s}[2], [%6], #16\n\t"
                     "ld4 {v16.s, v17.s, v18.s, v19.s}[3], [%7], #16"
                     : "=w"(a), "=w"(b), "=w"(c), "=w"(d), "+r"(w[0]), "+r"(w[1]), "+r"(w[2]), "+r"(w[3])
                     :
                     : "memory");
    return (struct dot_words){{a, b, c, d}};
}

/* The four bytes that four pointers stand at, side by side; moves them on. */
KERNEL_INLINE uint8x16_t dot_u32x4(const char *w[4])
{
    uint8x16_t v;
    __asm__ volatile("ld1 {%0.s}[0], [%1], #4\n\tld1 {%0.s}[1], [%2], #4\n\tld1 {%0.s}[2], [%3], #4\n\tld1 {%0.s}[3], [%4], #4"
                     : "=w"(v), "+r"(w[0]), "+r"(w[1]), "+r"(w[2]), "+r"(w[3])
                     :
                     : "memory");
    return v;
}

KERNEL_INLINE struct dot_across dot_next4(const char *w[4])
{
    const struct dot_words v = dot_words(w);
    struct dot_across o;
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        const int8x16x2_t n = neon_nibbles(v.v[j]);
        o.q[j] = n.val[0], o.q[j + 4] = n.val[1];
    }
    return o;
}

KERNEL_INLINE struct dot_across dot_next5(const char *w[4])
{
    const struct dot_spread s = dot_spread_new();
    const uint8x16_t unset = vmvnq_u8(dot_u32x4(w));
    const struct dot_words v = dot_words(w);
    uint8x16_t spread[4];
#pragma GCC unroll 4
    for (int b = 0; b < 4; b++) spread[b] = vqtbl1q_u8(unset, s.row[b]);
    struct dot_across o;
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        const uint8x16_t bit = s.bit[j % 2];
        const int8x16x2_t n = neon_nibbles5(v.v[j], vtstq_u8(spread[j / 2], bit), vtstq_u8(spread[2 + j / 2], bit));
        o.q[j] = n.val[0], o.q[j + 4] = n.val[1];
    }
    return o;
}

KERNEL_INLINE int32x4_t dot_by_word(const struct dot_across *v, const struct dot_x32 *x)
{
    int32x4_t s = vdupq_n_s32(0);
    s = vdotq_laneq_s32(s, v->q[0], x->q.val[0], 0);
    s = vdotq_laneq_s32(s, v->q[1], x->q.val[0], 1);
    s = vdotq_laneq_s32(s, v->q[2], x->q.val[0], 2);
    s = vdotq_laneq_s32(s, v->q[3], x->q.val[0], 3);
    s = vdotq_laneq_s32(s, v->q[4], x->q.val[1], 0);
    s = vdotq_laneq_s32(s, v->q[5], x->q.val[1], 1);
    s = vdotq_laneq_s32(s, v->q[6], x->q.val[1], 2);
    return vdotq_laneq_s32(s, v->q[7], x->q.val[1], 3);
}

KERNEL_INLINE int32x4_t dot_sums4(const char *w[4], const struct dot_x32 *x)
{
    const struct dot_across v = dot_next4(w);
    return dot_by_word(&v, x);
}

KERNEL_INLINE int32x4_t dot_sums5(const char *w[4], const struct dot_x32 *x)
{
    const struct dot_across v = dot_next5(w);
    return dot_by_word(&v, x);
}

#endif
