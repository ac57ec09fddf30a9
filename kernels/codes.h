/* codes.h - a block's codes and small scales as plain arrays, and back: blocks.h's drawings as code, once, for the scalar
 * kernels. Element i of the block is q[i]. Nothing here multiplies.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_CODES_H
#define HARTREE_CODES_H

#include <string.h>

#include "kernels/blocks.h"

/* ---- Blocks of 32: 4 bits from qs; 5 bits from qs and qh ---- */

static inline void codes4_get(const uint8_t qs[16], uint8_t q[32])
{
    for (int j = 0; j < 16; j++) q[j] = qs[j] & 15, q[j + 16] = qs[j] >> 4;
}

static inline void codes4_put(uint8_t qs[16], const uint8_t q[32])
{
    for (int j = 0; j < 16; j++) qs[j] = (uint8_t)(q[j] | q[j + 16] << 4);
}

static inline void codes5_get(const uint8_t qs[16], const uint8_t qh[4], uint8_t q[32])
{
    codes4_get(qs, q);
    for (int i = 0; i < 32; i++) q[i] |= (uint8_t)((qh[i / 8] >> i % 8 & 1) << 4);
}

static inline void codes5_put(uint8_t qs[16], uint8_t qh[4], const uint8_t q[32])
{
    for (int j = 0; j < 16; j++) qs[j] = (uint8_t)((q[j] & 15) | q[j + 16] << 4);
    memset(qh, 0, 4);
    for (int i = 0; i < 32; i++) qh[i / 8] |= (uint8_t)(q[i] >> 4 << i % 8);
}

/* ---- q2_K and q3_K: two bits of each element in qs ---- */

static inline void codes2_get(const uint8_t qs[64], uint8_t q[256])
{
    for (int i = 0; i < 256; i++) q[i] = qs[i / 128 * 32 + i % 32] >> 2 * (i / 32 % 4) & 3;
}

static inline void codes2_put(uint8_t qs[64], const uint8_t q[256])
{
    memset(qs, 0, 64);
    for (int i = 0; i < 256; i++) qs[i / 128 * 32 + i % 32] |= (uint8_t)((q[i] & 3) << 2 * (i / 32 % 4));
}

static inline void q3_K_get(const struct block_q3_K *b, uint8_t q[256])
{
    codes2_get(b->qs, q);
    for (int i = 0; i < 256; i++) q[i] |= (uint8_t)((b->hmask[i % 32] >> i / 32 & 1) << 2);
}

static inline void q3_K_put(struct block_q3_K *b, const uint8_t q[256])
{
    codes2_put(b->qs, q);
    memset(b->hmask, 0, sizeof b->hmask);
    for (int i = 0; i < 256; i++) b->hmask[i % 32] |= (uint8_t)(q[i] >> 2 << i / 32);
}

/* sc as it multiplies: -32..31. */
static inline void q3_K_get_scales(const uint8_t scales[12], int8_t sc[16])
{
    for (int s = 0; s < 16; s++) {
        int low = scales[s % 8] >> 4 * (s / 8) & 15, high = scales[8 + s % 4] >> 2 * (s / 4) & 3;
        sc[s] = (int8_t)((low | high << 4) - 32);
    }
}

static inline void q3_K_put_scales(uint8_t scales[12], const int8_t sc[16])
{
    memset(scales, 0, 12);
    for (int s = 0; s < 16; s++) {
        int u = sc[s] + 32;
        scales[s % 8] |= (uint8_t)((u & 15) << 4 * (s / 8));
        scales[8 + s % 4] |= (uint8_t)(u >> 4 << 2 * (s / 4));
    }
}

/* ---- q4_K and q5_K: 6-bit scales and minima ---- */

static inline void q45_K_get_scales(const uint8_t scales[12], uint8_t sc[8], uint8_t mn[8])
{
    for (int j = 0; j < 4; j++) {
        sc[j] = scales[j] & 63;
        mn[j] = scales[4 + j] & 63;
        sc[j + 4] = (uint8_t)((scales[8 + j] & 15) | scales[j] >> 6 << 4);
        mn[j + 4] = (uint8_t)(scales[8 + j] >> 4 | scales[4 + j] >> 6 << 4);
    }
}

static inline void q45_K_put_scales(uint8_t scales[12], const uint8_t sc[8], const uint8_t mn[8])
{
    for (int j = 0; j < 4; j++) {
        scales[j] = (uint8_t)(sc[j] | sc[j + 4] >> 4 << 6);
        scales[4 + j] = (uint8_t)(mn[j] | mn[j + 4] >> 4 << 6);
        scales[8 + j] = (uint8_t)((sc[j + 4] & 15) | mn[j + 4] << 4);
    }
}

static inline void q4_K_get(const struct block_q4_K *b, uint8_t q[256])
{
    for (int i = 0; i < 256; i++) q[i] = b->qs[i / 64 * 32 + i % 32] >> 4 * (i / 32 % 2) & 15;
}

static inline void q4_K_put(struct block_q4_K *b, const uint8_t q[256])
{
    for (int j = 0; j < 128; j++) b->qs[j] = (uint8_t)(q[j / 32 * 64 + j % 32] | q[j / 32 * 64 + 32 + j % 32] << 4);
}

static inline void q5_K_get(const struct block_q5_K *b, uint8_t q[256])
{
    for (int i = 0; i < 256; i++) {
        int low = b->qs[i / 64 * 32 + i % 32] >> 4 * (i / 32 % 2) & 15, high = b->qh[i % 32] >> i / 32 & 1;
        q[i] = (uint8_t)(low | high << 4);
    }
}

static inline void q5_K_put(struct block_q5_K *b, const uint8_t q[256])
{
    memset(b->qh, 0, sizeof b->qh);
    for (int i = 0; i < 256; i++) b->qh[i % 32] |= (uint8_t)(q[i] >> 4 << i / 32);
    for (int j = 0; j < 128; j++) b->qs[j] = (uint8_t)((q[j / 32 * 64 + j % 32] & 15) | q[j / 32 * 64 + 32 + j % 32] << 4);
}

/* ---- q6_K: 0..63 ---- */

static inline void q6_K_get(const struct block_q6_K *b, uint8_t q[256])
{
    for (int i = 0; i < 256; i++) {
        int half = i / 128, part = i / 32 % 4, l = i % 32;
        int low = b->ql[64 * half + 32 * (part % 2) + l] >> 4 * (part / 2) & 15, high = b->qh[32 * half + l] >> 2 * part & 3;
        q[i] = (uint8_t)(low | high << 4);
    }
}

static inline void q6_K_put(struct block_q6_K *b, const uint8_t q[256])
{
    memset(b->ql, 0, sizeof b->ql);
    memset(b->qh, 0, sizeof b->qh);
    for (int i = 0; i < 256; i++) {
        int half = i / 128, part = i / 32 % 4, l = i % 32;
        b->ql[64 * half + 32 * (part % 2) + l] |= (uint8_t)((q[i] & 15) << 4 * (part / 2));
        b->qh[32 * half + l] |= (uint8_t)(q[i] >> 4 << 2 * part);
    }
}

#endif
