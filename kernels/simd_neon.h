/* simd_neon.h - a block's codes as vectors of signed bytes, for every kernel of aarch64: what the layouts of blocks.h are
 * unpacked to is written here once, whichever instruction multiplies it.
 *
 * What is still to be taken off each code stands as <type>_OFFSET. All codes but q8_0's lie within -64..63.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SIMD_NEON_H
#define HARTREE_SIMD_NEON_H

#include <arm_neon.h>
#include <stddef.h>
#include <string.h>

#include "kernels/blocks.h"
#include "kernels/inline.h"
#include "kernels/kernel.h"

KERNEL_INLINE float neon_f16(uint16_t bits)
{
    __fp16 h;
    memcpy(&h, &bits, sizeof h);
    return (float)h;
}

KERNEL_INLINE uint8x16_t neon_load(const void *p)
{
    return vld1q_u8(p);
}

/* Eight of an activation block's sums of 16 codes: h = 0, 1. The block may stand at an odd address. */
KERNEL_INLINE int16x8_t neon_bsums(const struct block_q8_a256 *b, const int h)
{
    return vreinterpretq_s16_u8(neon_load((const char *)b + offsetof(struct block_q8_a256, bsums) + 16 * h));
}

/* ---- Blocks of 32 ---- */

typedef int8x16x2_t neon_codes32(const void *block);

KERNEL_INLINE int8x16x2_t neon_signed(uint8x16_t low, uint8x16_t high)
{
    return (int8x16x2_t){{vreinterpretq_s8_u8(low), vreinterpretq_s8_u8(high)}};
}

KERNEL_INLINE int8x16x2_t neon_nibbles(uint8x16_t v)
{
    return neon_signed(vandq_u8(v, vdupq_n_u8(15)), vshrq_n_u8(v, 4));
}

/* Both nibbles of v with other bits above them: high's for the upper one, low's, its lowest first, for the lower one. By hand,
 * in the order written: an instruction that inserts writes over one of its operands, and compilers that put it before the other
 * reader of v copy v first. */
KERNEL_INLINE void neon_insert(uint8x16_t *high, uint8x16_t *v, uint8x16_t low)
{
    __asm__("sri %0.16b, %1.16b, #4\n\tsli %1.16b, %2.16b, #4" : "+&w"(*high), "+w"(*v) : "w"(low));
}

/* Nibbles and a fifth bit, minus 16. `clear` holds all ones in each byte whose fifth bit is not set; its upper half is shifted
 * in above the nibble: one instruction takes the nibble and puts the bit and the sign before it. */
KERNEL_INLINE int8x16x2_t neon_nibbles5(uint8x16_t v, uint8x16_t clear_low, uint8x16_t clear_high)
{
    neon_insert(&clear_high, &v, clear_low);
    return neon_signed(v, clear_high);
}

/* The four bytes of fifth bits begin `bits`. */
KERNEL_INLINE int8x16x2_t neon_codes5(uint8x16_t nibbles, uint8x16_t bits)
{
    const uint8x16_t bit = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201)), unset = vmvnq_u8(bits);
    const uint8x16_t first = vcombine_u8(vdup_n_u8(0), vdup_n_u8(1)), second = vcombine_u8(vdup_n_u8(2), vdup_n_u8(3));
    return neon_nibbles5(nibbles, vtstq_u8(vqtbl1q_u8(unset, first), bit), vtstq_u8(vqtbl1q_u8(unset, second), bit));
}

KERNEL_INLINE uint8x16_t neon_word(const uint8_t p[4])
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return vreinterpretq_u8_u32(vdupq_n_u32(v));
}

KERNEL_INLINE int8x16x2_t q8_0_codes(const void *block)
{
    const struct block_q8_0 *b = block;
    return (int8x16x2_t){{vld1q_s8(b->qs), vld1q_s8(b->qs + 16)}};
}

KERNEL_INLINE int8x16x2_t q4_0_codes(const void *block)
{
    const struct block_q4_0 *b = block;
    return neon_nibbles(neon_load(b->qs));
}

KERNEL_INLINE int8x16x2_t q4_1_codes(const void *block)
{
    const struct block_q4_1 *b = block;
    return neon_nibbles(neon_load(b->qs));
}

KERNEL_INLINE int8x16x2_t q5_0_codes(const void *block)
{
    const struct block_q5_0 *b = block;
    return neon_codes5(neon_load(b->qs), neon_word(b->qh));
}

KERNEL_INLINE int8x16x2_t q5_1_codes(const void *block)
{
    const struct block_q5_1 *b = block;
    return neon_codes5(neon_load(b->qs), neon_word(b->qh));
}

/* What is still to be taken off each code: the stored number is code - offset. */
enum { q8_0_OFFSET = 0, q4_0_OFFSET = 8, q4_1_OFFSET = 0, q5_0_OFFSET = 0, q5_1_OFFSET = -16 };
/* Whether a block has a minimum m, right after d. */
enum { q8_0_MIN = 0, q4_0_MIN = 0, q4_1_MIN = 1, q5_0_MIN = 0, q5_1_MIN = 1 };

/* Whether four products of a code and an activation overflow int16. */
enum { q8_0_WIDE = 1, q4_0_WIDE = 0, q4_1_WIDE = 0, q5_0_WIDE = 0, q5_1_WIDE = 0 };

/* ---- Blocks of 256: 64 codes at a time, as four vectors of 16 in the order in which unpacking yields them. Vector v of group
 * g begins at the element that neon_element gives; a vector never straddles two sub-blocks. <type>_OFFSET is
 * still in. ---- */

struct neon_codes64 {
    uint8x16_t q[4];
};
typedef struct neon_codes64 neon_unpack64(const void *block, const int g);

KERNEL_INLINE int neon_element(const int subs, const int g, const int v)
{
    return subs == 8 ? 64 * g + 16 * v : 128 * (g / 2) + 16 * (g % 2) + 32 * v;
}

/* Each byte shifted left (right where n < 0) and masked. */
KERNEL_INLINE uint8x16_t neon_bits(uint8x16_t v, const int n, const int mask)
{
    v = n > 0 ? v << (uint8_t)n : n < 0 ? v >> (uint8_t)-n : v;
    return vandq_u8(v, vdupq_n_u8((uint8_t)mask));
}

KERNEL_INLINE struct neon_codes64 q2_K_unpack(const void *block, const int g)
{
    const struct block_q2_K *b = block;
    const uint8x16_t v = neon_load(b->qs + 16 * g);
    return (struct neon_codes64){{neon_bits(v, 0, 3), neon_bits(v, -2, 3), neon_bits(v, -4, 3), vshrq_n_u8(v, 6)}};
}

/* Signed codes -4..3: all ones where the third bit is not set are shifted in above the two, in place of what stands there. */
KERNEL_INLINE struct neon_codes64 q3_K_unpack(const void *block, const int g)
{
    const struct block_q3_K *b = block;
    const uint8x16_t unset = vmvnq_u8(neon_load(b->hmask + 16 * (g % 2)));
    const uint8_t bit = (uint8_t)(1 << 4 * (g / 2));
    uint8x16_t v0 = neon_load(b->qs + 16 * g), v1, v2, v3;
    /* By hand, as neon_insert. */
    __asm__("ushr %0.16b, %3.16b, #2\n\tushr %1.16b, %3.16b, #4\n\tushr %2.16b, %3.16b, #6\n\tsli %3.16b, %4.16b, #2"
            : "=&w"(v1), "=&w"(v2), "=&w"(v3), "+w"(v0)
            : "w"(vtstq_u8(unset, vdupq_n_u8(bit))));
    return (struct neon_codes64){{v0, vsliq_n_u8(v1, vtstq_u8(unset, vdupq_n_u8(2 * bit)), 2),
                                  vsliq_n_u8(v2, vtstq_u8(unset, vdupq_n_u8(4 * bit)), 2),
                                  vsliq_n_u8(v3, vtstq_u8(unset, vdupq_n_u8(8 * bit)), 2)}};
}

KERNEL_INLINE struct neon_codes64 q4_K_unpack(const void *block, const int g)
{
    const struct block_q4_K *b = block;
    const uint8x16_t v = neon_load(b->qs + 32 * g), w = neon_load(b->qs + 32 * g + 16);
    return (struct neon_codes64){{neon_bits(v, 0, 15), neon_bits(w, 0, 15), vshrq_n_u8(v, 4), vshrq_n_u8(w, 4)}};
}

/* A shift-and-insert puts the other byte's bits above the nibble; those that do not belong there are then masked. */
KERNEL_INLINE struct neon_codes64 q5_K_unpack(const void *block, const int g)
{
    const struct block_q5_K *b = block;
    const uint8x16_t mask = vdupq_n_u8(31);
    struct neon_codes64 o;
    for (int i = 0; i < 2; i++) {
        const uint8x16_t h = neon_load(b->qh + 16 * i) >> (uint8_t)(2 * g);
        uint8x16_t v = neon_load(b->qs + 32 * g + 16 * i), high = vshlq_n_u8(h, 3);
        neon_insert(&high, &v, h);
        o.q[i] = vandq_u8(v, mask), o.q[2 + i] = vandq_u8(high, mask);
    }
    return o;
}

KERNEL_INLINE struct neon_codes64 q6_K_unpack(const void *block, const int g)
{
    const struct block_q6_K *b = block;
    const uint8_t *ql = b->ql + 64 * (g / 2) + 16 * (g % 2);
    uint8x16_t v = neon_load(ql), w = neon_load(ql + 32), v4, w4;
    const uint8x16_t h = neon_load(b->qh + 16 * g), h2 = vshrq_n_u8(h, 2), mask = vdupq_n_u8(63), high = vdupq_n_u8(48);
    /* By hand, as neon_insert. */
    __asm__("ushr %0.16b, %1.16b, #4\n\tsli %1.16b, %2.16b, #4" : "=&w"(v4), "+w"(v) : "w"(h));
    __asm__("ushr %0.16b, %1.16b, #4\n\tsli %1.16b, %2.16b, #4" : "=&w"(w4), "+w"(w) : "w"(h2));
    return (struct neon_codes64){{vandq_u8(v, mask), vandq_u8(w, mask), vbslq_u8(high, h, v4), vbslq_u8(high, h2, w4)}};
}

enum { q2_K_OFFSET = 0, q3_K_OFFSET = 0, q4_K_OFFSET = 0, q5_K_OFFSET = 0, q6_K_OFFSET = 32 };
enum { q2_K_SUBS = 16, q3_K_SUBS = 16, q4_K_SUBS = 8, q5_K_SUBS = 8, q6_K_SUBS = 16 };
enum { q2_K_MIN = 1, q3_K_MIN = 0, q4_K_MIN = 1, q5_K_MIN = 1, q6_K_MIN = 0 };

#endif
