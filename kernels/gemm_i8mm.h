/* gemm_i8mm.h - the gemms' tile with SMMLA: two rows of eight bytes times two columns of eight, 32 multiply-adds to four sums.
 *
 * A panel's 16 k of four rows stand as
 *
 *    [rows 0, 1: k 0..7 of each][rows 0, 1: k 8..15][rows 2, 3: k 0..7][rows 2, 3: k 8..15]      eight bytes a row
 *
 * and two columns' activations are put side by side by ZIP of halves. Sums stand as [row, column][row, column + 1][row + 1,
 * column] [row + 1, column + 1]; s[h][t] holds rows 4h + 2 (t % 2), columns 2 (t / 2).
 *
 * Instructions for 1024 multiply-adds: 32 SMMLA, 8 ZIP, 8 loads of weights (pairs), 8 of activations, 8 UZP with blocks of 32.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_GEMM_I8MM_H
#define HARTREE_GEMM_I8MM_H

#include "kernels/gemm_neon.h"

KERNEL_INLINE void gemm_put(union gemm_vector *panel, int8x16_t r0, int8x16_t r1, int8x16_t r2, int8x16_t r3)
{
    const int64x2x2_t low = {{vreinterpretq_s64_s8(r0), vreinterpretq_s64_s8(r1)}};
    const int64x2x2_t high = {{vreinterpretq_s64_s8(r2), vreinterpretq_s64_s8(r3)}};
    vst2q_s64(panel[0].s64, low);
    vst2q_s64(panel[2].s64, high);
}

/* By hand, in the order written, as gemm_dotprod.h does with SDOT. */
KERNEL_INLINE void gemm_dot16(int32x4_t acc[2][GEMM_COLS], const union gemm_vector *panel, const int8x16_t x[GEMM_COLS],
                              const int wide)
{
    int64x2_t pair[2][2]; /* columns 2p and 2p + 1: k 0..7, k 8..15 */
    (void)wide;
    for (int p = 0; p < 2; p++) {
        const int64x2_t a = vreinterpretq_s64_s8(x[2 * p]), b = vreinterpretq_s64_s8(x[2 * p + 1]);
        pair[p][0] = vzip1q_s64(a, b), pair[p][1] = vzip2q_s64(a, b);
    }
    for (int h = 0; h < 2; h++) {
        for (int k = 0; k < 2; k++) {
            const int8x16_t w0 = vld1q_s8(panel[4 * h + k].s8);
            const int8x16_t w1 = vld1q_s8(panel[4 * h + 2 + k].s8);
            for (int t = 0; t < GEMM_COLS; t++)
                __asm__ volatile("smmla %0.4s, %1.16b, %2.16b" : "+w"(acc[h][t]) : "w"(t % 2 ? w1 : w0), "w"(pair[t / 2][k]));
        }
    }
}

KERNEL_INLINE int32x4_t gemm_for(int32x4_t scale, const int t)
{
    return t % 2 ? vzip2q_s32(scale, scale) : vzip1q_s32(scale, scale);
}

KERNEL_INLINE void gemm_lanes(int32x4_t s[2][GEMM_COLS])
{
    for (int h = 0; h < 2; h++) {
        for (int t = 0; t < GEMM_COLS; t += 2) {
            const int32x4_t a = s[h][t], b = s[h][t + 1];
            s[h][t] = vuzp1q_s32(a, b), s[h][t + 1] = vuzp2q_s32(a, b);
        }
    }
}

#include "kernels/gemm_tile_neon.h"

#endif
