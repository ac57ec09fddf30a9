/* gemm_words.h - panels of words: 16 k of four rows as [k 0..3: rows 0, 1, 2, 3][k 4..7: the same][k 8..11][k 12..15], four
 * bytes a row. A sum's lanes are then rows, as gemm_tile_neon.h wants them.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_GEMM_WORDS_H
#define HARTREE_GEMM_WORDS_H

#include "kernels/gemm_neon.h"

KERNEL_INLINE void gemm_put(union gemm_vector *panel, int8x16_t r0, int8x16_t r1, int8x16_t r2, int8x16_t r3)
{
    const int32x4x4_t v = {
        {vreinterpretq_s32_s8(r0), vreinterpretq_s32_s8(r1), vreinterpretq_s32_s8(r2), vreinterpretq_s32_s8(r3)}};
    vst4q_s32(panel->s32, v);
}

KERNEL_INLINE int32x4_t gemm_for(int32x4_t scale, const int t)
{
    (void)t;
    return scale;
}

KERNEL_INLINE void gemm_lanes(int32x4_t s[2][GEMM_COLS])
{
    (void)s;
}

#endif
