/* i8_peak_chains.h - the loop of i8_peak over an instruction that sums products of bytes in int32. Sixteen chains are enough
 * where four start a cycle and each takes three or four.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_I8_PEAK_CHAINS_H
#define HARTREE_I8_PEAK_CHAINS_H

#include "kernels/opaque.h"
#include "kernels/simd_neon.h"

typedef int32x4_t i8_peak_step(int32x4_t s, int8x16_t u, int8x16_t v);

/* A step does 16 * `share` products, so of each pair of vectors every share-th chain takes one. */
KERNEL_INLINE void i8_peak_chains(const struct peak_args *a, const int share, i8_peak_step *step)
{
    enum { CHAINS = 16, VECTORS = 4 };
    const int8_t *x = a->x;
    int8x16_t u[VECTORS], v[VECTORS];
    int32x4_t s[CHAINS];
    for (int i = 0; i < VECTORS; i++) u[i] = vld1q_s8(x + 16 * i), v[i] = vld1q_s8(x + PEAK_I8_CODES + 16 * i);
    for (int k = 0; k < CHAINS; k++) s[k] = OPAQUE("w", vdupq_n_s32(0));
    for (size_t n = 0; n < a->n; n++)
        for (int i = 0; i < VECTORS; i++)
            for (int k = i % share; k < CHAINS; k += share) s[k] = OPAQUE("w", step(s[k], u[i], v[i]));
    for (int k = 1; k < CHAINS; k++) s[0] = vaddq_s32(s[0], s[k]);
    uint16_t y = (uint16_t)vaddvq_s32(s[0]);
    memcpy(a->y, &y, sizeof y);
}

#endif
