/* gemm_smull.h - the gemms' tile with NEON's first instructions: SMULL and SMLAL, eight products of bytes in int16.
 *
 * Panels are as in gemm_dotprod.h: four bytes of four rows in a register, so that its halves are two rows each, multiplied by
 * four bytes of a column put into both halves. A lane of int16 takes four products before it is widened: |code| <= 32 makes
 * that at most 4 * 32 * 127, and twice that, 32512, when two lanes are added pairwise. Codes of eight bits (`wide`) are widened
 * after two: 2 * 128 * 127 = 32512.
 *
 * Instructions for 1024 multiply-adds: 128 SMULL and SMLAL, 32 copies of four bytes to both halves, 16 pairwise additions and
 * 16 that also widen, 16 loads.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_GEMM_SMULL_H
#define HARTREE_GEMM_SMULL_H

#include "kernels/gemm_words.h"

KERNEL_INLINE void gemm_dot16(int32x4_t acc[2][GEMM_COLS], const union gemm_vector *panel, const int8x16_t x[GEMM_COLS],
                              const int wide)
{
    int8x16_t w[2][4];
    for (int h = 0; h < 2; h++)
        for (int k = 0; k < 4; k++) w[h][k] = vld1q_s8(panel[4 * h + k].s8);
    for (int t = 0; t < GEMM_COLS; t++) {
        const int32x4_t v = vreinterpretq_s32_s8(x[t]);
        const int8x16_t q[4] = {vreinterpretq_s8_s32(vdupq_laneq_s32(v, 0)), vreinterpretq_s8_s32(vdupq_laneq_s32(v, 1)),
                                vreinterpretq_s8_s32(vdupq_laneq_s32(v, 2)), vreinterpretq_s8_s32(vdupq_laneq_s32(v, 3))};
        for (int h = 0; h < 2; h++) {
            int16x8_t low[2], high[2]; /* rows 0 and 1, 2 and 3: of k 0..7, k 8..15 */
            for (int k = 0; k < 2; k++) {
                low[k] = vmlal_s8(vmull_s8(vget_low_s8(w[h][2 * k]), vget_low_s8(q[2 * k])), vget_low_s8(w[h][2 * k + 1]),
                                  vget_low_s8(q[2 * k + 1]));
                high[k] = vmlal_high_s8(vmull_high_s8(w[h][2 * k], q[2 * k]), w[h][2 * k + 1], q[2 * k + 1]);
            }
            if (wide) {
                const int32x4_t a = vpadalq_s16(vpaddlq_s16(low[0]), low[1]), b = vpadalq_s16(vpaddlq_s16(high[0]), high[1]);
                acc[h][t] = vaddq_s32(acc[h][t], vpaddq_s32(a, b));
            } else {
                const int16x8_t s = vpaddq_s16(vaddq_s16(low[0], low[1]), vaddq_s16(high[0], high[1]));
                acc[h][t] = vpadalq_s16(acc[h][t], s);
            }
        }
    }
}

#include "kernels/gemm_tile_neon.h"

#endif
