/* blocks.h - every quantised block, bit by bit. The only place where a layout is written down.
 *
 * A block is packed: it has no padding and may stand at any address. All fields are little-endian; f16 fields hold IEEE half
 * bits (half.h). Drawings show bytes from the lowest address on, and within a byte bit 7 on the left. In the formulas x[i] is
 * element i of the block and q its stored code. Every drawing is held to by a golden block in tests/types.c.
 * Format: github.com/ggml-org/ggml, src/ggml-common.h and src/ggml-quants.c; the activation formats at the end are
 * hartree's own.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_BLOCKS_H
#define HARTREE_BLOCKS_H

#include <assert.h>
#include <stdint.h>

#define BLOCK struct __attribute__((packed))

enum { BLOCK_32 = 32, BLOCK_K = 256 };

/* ---- Blocks of 32 ---- */

/* x[i] = d * q[i], q signed in -128..127. 8.5 bits an element.
 *
 *    byte 0  1   2    3         33
 *        [ d  ] [q0] [q1] ... [q31] */
BLOCK block_q8_0 {
    uint16_t d; /* f16 */
    int8_t qs[32];
};
static_assert(sizeof(struct block_q8_0) == 34, "q8_0");

/* x[i] = d * (q[i] - 8), q in 0..15. 4.5 bits an element. Byte j holds elements j (low nibble) and j + 16 (high nibble).
 *
 *    byte 0  1    2         3              17
 *        [ d  ] [q16:q0] [q17:q1] ... [q31:q15]
 *
 *    qs[j]   7 6 5 4 3 2 1 0
 *           |q[j+16]| q[j]  | */
BLOCK block_q4_0 {
    uint16_t d; /* f16 */
    uint8_t qs[16];
};
static_assert(sizeof(struct block_q4_0) == 18, "q4_0");

/* x[i] = d * q[i] + m, q in 0..15. 5 bits an element. Nibbles as in q4_0.
 *
 *    byte 0  1   2  3    4              19
 *        [ d  ] [ m  ] [q16:q0] ... [q31:q15] */
BLOCK block_q4_1 {
    uint16_t d, m; /* f16 */
    uint8_t qs[16];
};
static_assert(sizeof(struct block_q4_1) == 20, "q4_1");

/* x[i] = d * (q[i] - 16), q in 0..31. 5.5 bits an element. Low 4 bits as in q4_0; bit 4 of element i is bit i of the
 * 32-bit number qh.
 *
 *    byte 0  1   2 .. 5    6              21
 *        [ d  ] [  qh  ] [q16:q0] ... [q31:q15]
 *
 *    qh[0]   7 6 5 4 3 2 1 0     qh[1]    7  6  5  4  3  2 1 0
 *    of q[.] 7 6 5 4 3 2 1 0     of q[.] 15 14 13 12 11 10 9 8   and so on */
BLOCK block_q5_0 {
    uint16_t d; /* f16 */
    uint8_t qh[4];
    uint8_t qs[16];
};
static_assert(sizeof(struct block_q5_0) == 22, "q5_0");

/* x[i] = d * q[i] + m, q in 0..31. 6 bits an element. Codes as in q5_0.
 *
 *    byte 0  1   2  3   4 .. 7    8              23
 *        [ d  ] [ m  ] [  qh  ] [q16:q0] ... [q31:q15] */
BLOCK block_q5_1 {
    uint16_t d, m; /* f16 */
    uint8_t qh[4];
    uint8_t qs[16];
};
static_assert(sizeof(struct block_q5_1) == 24, "q5_1");

/* ---- Blocks of 256: sub-blocks with small integer scales, themselves scaled by one or two f16 ---- */

/* 16 sub-blocks of 16; s = i / 16 is the sub-block of element i. x[i] = d * sc[s] * q[i] - dmin * mn[s], q in 0..3, sc and mn
 * in 0..15. 2.625 bits an element.
 *
 *    byte 0          15   16         79   80 81  82 83
 *        [ scales[16]  ] [   qs[64]    ] [  d  ][dmin ]
 *
 *    scales[s]   7 6 5 4 3 2 1 0      qs[32*h + l]  7 6 5 4 3 2 1 0     h = 0, 1 (half), l = 0..31
 *               | mn[s] | sc[s] |                  |3 |2 |1 |0 |        code of element 128*h + 32*p + l at bits 2p+1..2p */
BLOCK block_q2_K {
    uint8_t scales[16];
    uint8_t qs[64];
    uint16_t d, dmin; /* f16 */
};
static_assert(sizeof(struct block_q2_K) == 84, "q2_K");

/* 16 sub-blocks of 16. x[i] = d * (sc[s] - 32) * (q[i] - 4), q in 0..7, sc in 0..63. 3.4375 bits an element.
 * The low two bits of q stand in qs as in q2_K; bit 2 in hmask: element 32*p + l at bit p of hmask[l], p = 0..7.
 *
 *    byte 0        31   32      95   96       107   108 109
 *        [ hmask[32] ] [ qs[64]  ] [ scales[12] ]  [  d   ]
 *
 *    scales: low nibbles first, then the high pairs
 *    byte j = 0..7     7 6 5 4    3 2 1 0           byte 8 + j, j = 0..3    7 6     5 4     3 2    1 0
 *                     |sc[j+8]3:0|sc[j]3:0|                               |sc[j+12]|sc[j+8]|sc[j+4]|sc[j]|  bits 5:4 of each */
BLOCK block_q3_K {
    uint8_t hmask[32];
    uint8_t qs[64];
    uint8_t scales[12];
    uint16_t d; /* f16 */
};
static_assert(sizeof(struct block_q3_K) == 110, "q3_K");

/* 8 sub-blocks of 32; s = i / 32. x[i] = d * sc[s] * q[i] - dmin * mn[s], q in 0..15, sc and mn in 0..63. 4.5 bits an element.
 *
 *    byte 0  1   2  3   4         15   16       143
 *        [ d  ] [dmin] [ scales[12] ] [ qs[128]   ]
 *
 *    scales, j = 0..3   7 6        5 4 3 2 1 0                      7 6 5 4     3 2 1 0
 *    byte j            |sc[j+4]5:4| sc[j]     |      byte 8 + j    |mn[j+4]3:0|sc[j+4]3:0|
 *    byte 4 + j        |mn[j+4]5:4| mn[j]     |
 *
 *    qs[32*p + l], p = 0..3, l = 0..31:  low nibble element 64*p + l, high nibble element 64*p + 32 + l */
BLOCK block_q4_K {
    uint16_t d, dmin; /* f16 */
    uint8_t scales[12];
    uint8_t qs[128];
};
static_assert(sizeof(struct block_q4_K) == 144, "q4_K");

/* As q4_K with q in 0..31: bit 4 of element 32*p + l is bit p of qh[l], p = 0..7. 5.5 bits an element.
 *
 *    byte 0  1   2  3   4         15   16      47   48      175
 *        [ d  ] [dmin] [ scales[12] ] [ qh[32]  ] [ qs[128]   ] */
BLOCK block_q5_K {
    uint16_t d, dmin; /* f16 */
    uint8_t scales[12];
    uint8_t qh[32];
    uint8_t qs[128];
};
static_assert(sizeof(struct block_q5_K) == 176, "q5_K");

/* 16 sub-blocks of 16. x[i] = d * scales[i / 16] * (q[i] - 32), q in 0..63, scales signed. 6.5625 bits an element.
 *
 *    byte 0       127   128     191   192        207   208 209
 *        [ ql[128]   ] [  qh[64]   ] [  scales[16]  ] [  d   ]
 *
 *    Each half h = 0, 1 of 128 elements has ql[64*h ..] and qh[32*h ..]; with l = 0..31 its elements are
 *    128*h + l         low 4 bits: low nibble of ql[64*h + l]         high 2 bits: bits 1:0 of qh[32*h + l]
 *    128*h + 32 + l                low nibble of ql[64*h + 32 + l]                 bits 3:2
 *    128*h + 64 + l                high nibble of ql[64*h + l]                     bits 5:4
 *    128*h + 96 + l                high nibble of ql[64*h + 32 + l]                bits 7:6 */
BLOCK block_q6_K {
    uint8_t ql[128];
    uint8_t qh[64];
    int8_t scales[16];
    uint16_t d; /* f16 */
};
static_assert(sizeof(struct block_q6_K) == 210, "q6_K");

/* ---- Activations, made at run time and never stored: codes in -127..127, so that sign tricks and maddubs are safe ---- */

/* x[i] = d * q[i], d = max|x| / 127. sum = sum of q: what a weight block's offset is multiplied by, exact.
 *
 *    byte 0..3  4..7   8        39
 *        [ d ] [sum] [q0] ... [q31] */
BLOCK block_q8_a32 {
    float d;
    int32_t sum;
    int8_t qs[32];
};
static_assert(sizeof(struct block_q8_a32) == 40, "q8_a32");

/* x[i] = d * q[i], d = max|x| / 127. bsums[j] = sum of q[16*j .. 16*j + 15].
 *
 *    byte 0..3   4          35   36        291
 *        [ d ]  [ bsums[16]  ] [q0] ... [q255] */
BLOCK block_q8_a256 {
    float d;
    int16_t bsums[16];
    int8_t qs[256];
};
static_assert(sizeof(struct block_q8_a256) == 292, "q8_a256");

#undef BLOCK
#endif
