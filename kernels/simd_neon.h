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

/* What is done to v from here on is done after `result` is there. An instruction that adds or inserts writes over one of its
 * operands: when all else that v is read for is done, that may be v's own register, and no copy is made. */
#define NEON_AFTER(v, result) __asm__("" : "+w"(v) : "w"(result))

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

/* Nibbles and a fifth bit, minus 16. `clear` holds all ones in each byte whose fifth bit is not set; its upper half is shifted
 * in above the nibble: one instruction takes the nibble and puts the bit and the sign before it. */
KERNEL_INLINE int8x16x2_t neon_nibbles5(uint8x16_t v, uint8x16_t clear_low, uint8x16_t clear_high)
{
    const uint8x16_t high = vsriq_n_u8(clear_high, v, 4);
    NEON_AFTER(v, high);
    return neon_signed(vsliq_n_u8(v, clear_low, 4), high);
}

KERNEL_INLINE int8x16x2_t neon_codes5(const uint8_t qs[16], const uint8_t qh[4])
{
    const uint8x16_t bit = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201));
    const uint8x16_t first = vcombine_u8(vdup_n_u8(0), vdup_n_u8(1)), second = vcombine_u8(vdup_n_u8(2), vdup_n_u8(3));
    uint32_t bits;
    memcpy(&bits, qh, sizeof bits);
    const uint8x16_t unset = vreinterpretq_u8_u32(vdupq_n_u32(~bits));
    return neon_nibbles5(neon_load(qs), vtstq_u8(vqtbl1q_u8(unset, first), bit), vtstq_u8(vqtbl1q_u8(unset, second), bit));
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
    return neon_codes5(b->qs, b->qh);
}

KERNEL_INLINE int8x16x2_t q5_1_codes(const void *block)
{
    const struct block_q5_1 *b = block;
    return neon_codes5(b->qs, b->qh);
}

/* What is still to be taken off each code: the stored number is code - offset. */
enum { q8_0_OFFSET = 0, q4_0_OFFSET = 8, q4_1_OFFSET = 0, q5_0_OFFSET = 0, q5_1_OFFSET = -16 };
/* Whether a block has a minimum m, right after d. */
enum { q8_0_MIN = 0, q4_0_MIN = 0, q4_1_MIN = 1, q5_0_MIN = 0, q5_1_MIN = 1 };

/* Whether four products of a code and an activation overflow int16. */
enum { q8_0_WIDE = 1, q4_0_WIDE = 0, q4_1_WIDE = 0, q5_0_WIDE = 0, q5_1_WIDE = 0 };

/* ---- Blocks of 256: 64 codes at a time, as four vectors of 16 in the order in which unpacking yields them. Vector v of group
 * g begins at the element that neon_element gives; a vector never straddles two sub-blocks. Codes are as stored, offsets still
 * in. ---- */

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

KERNEL_INLINE struct neon_codes64 q3_K_unpack(const void *block, const int g)
{
    const struct block_q3_K *b = block;
    const uint8x16_t v = neon_load(b->qs + 16 * g), h = neon_load(b->hmask + 16 * (g % 2));
    const int first = 2 - 4 * (g / 2); /* moves the half's first bit to bit 2 */
    return (struct neon_codes64){
        {vorrq_u8(neon_bits(v, 0, 3), neon_bits(h, first, 4)), vorrq_u8(neon_bits(v, -2, 3), neon_bits(h, first - 1, 4)),
         vorrq_u8(neon_bits(v, -4, 3), neon_bits(h, first - 2, 4)), vorrq_u8(vshrq_n_u8(v, 6), neon_bits(h, first - 3, 4))}};
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
        uint8x16_t v = neon_load(b->qs + 32 * g + 16 * i);
        o.q[2 + i] = vandq_u8(vsriq_n_u8(vshlq_n_u8(h, 3), v, 4), mask);
        NEON_AFTER(v, o.q[2 + i]);
        o.q[i] = vandq_u8(vsliq_n_u8(v, h, 4), mask);
    }
    return o;
}

KERNEL_INLINE struct neon_codes64 q6_K_unpack(const void *block, const int g)
{
    const struct block_q6_K *b = block;
    const uint8_t *ql = b->ql + 64 * (g / 2) + 16 * (g % 2);
    uint8x16_t v = neon_load(ql), w = neon_load(ql + 32);
    const uint8x16_t h = neon_load(b->qh + 16 * g), h2 = vshrq_n_u8(h, 2), mask = vdupq_n_u8(63), high = vdupq_n_u8(48);
    const uint8x16_t q2 = vbslq_u8(high, h, vshrq_n_u8(v, 4)), q3 = vbslq_u8(high, h2, vshrq_n_u8(w, 4));
    NEON_AFTER(v, q2);
    NEON_AFTER(w, q3);
    return (struct neon_codes64){{vandq_u8(vsliq_n_u8(v, h, 4), mask), vandq_u8(vsliq_n_u8(w, h2, 4), mask), q2, q3}};
}

enum { q2_K_OFFSET = 0, q3_K_OFFSET = 4, q4_K_OFFSET = 0, q5_K_OFFSET = 0, q6_K_OFFSET = 32 };
enum { q2_K_SUBS = 16, q3_K_SUBS = 16, q4_K_SUBS = 8, q5_K_SUBS = 8, q6_K_SUBS = 16 };
enum { q2_K_MIN = 1, q3_K_MIN = 0, q4_K_MIN = 1, q5_K_MIN = 1, q6_K_MIN = 0 };

#endif
