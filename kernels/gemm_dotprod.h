/* gemm_dotprod.h - the tile of the gemms with SDOT: eight rows by four columns.
 *
 * SDOT adds to each of four int32 lanes the sum of four products of bytes. A panel's 16 k of four rows stand as
 *
 *    [k 0..3: row 0 | row 1 | row 2 | row 3][k 4..7: the same][k 8..11][k 12..15]      four bytes a row
 *
 * so that one register holds 4 k of four rows, a lane of an activation register 4 k of a column, and the lanes of a sum are
 * rows: nothing is ever added across lanes. Sixteen registers hold the sums of a tile (eight running ones, eight of a block),
 * four the columns' 16 k, two the weights.
 *
 * Instructions for 1024 multiply-adds (32 k): 64 SDOT, 8 loads of weights (pairs), 4 to 8 of activations; with blocks of 32
 * besides 8 x (clear, convert, scale, add); with blocks of 256 8 (16) multiply-adds by the scales of sub-blocks of 32 (of 16).
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_GEMM_DOTPROD_H
#define HARTREE_GEMM_DOTPROD_H

#include "kernels/gemm_words.h"

/* acc[i][t] += 16 k of rows 4i .. 4i+3 times column t's. */
KERNEL_INLINE void gemm_dot16(int32x4_t acc[2][GEMM_COLS], const union gemm_vector *panel, const int8x16_t x[GEMM_COLS],
                              const int wide)
{
    (void)wide;
/* SDOT by hand, in the order written: given the intrinsic, gcc regroups the tile by column, holds all of a panel's weights in
 * registers for that, and copies and spills the sums. */
#define SDOT(acc, w, x, lane) __asm__ volatile("sdot %0.4s, %1.16b, %2.4b[" #lane "]" : "+w"(acc) : "w"(w), "w"(x))
#define STEP(first, second)                                                                                                    \
    do {                                                                                                                       \
        const int8x16_t w00 = vld1q_s8(panel[first].s8), w01 = vld1q_s8(panel[first + 1].s8);                                  \
        const int8x16_t w10 = vld1q_s8(panel[first + 4].s8), w11 = vld1q_s8(panel[first + 5].s8);                              \
        for (int t = 0; t < GEMM_COLS; t++) SDOT(acc[0][t], w00, x[t], first);                                                 \
        for (int t = 0; t < GEMM_COLS; t++) SDOT(acc[1][t], w10, x[t], first);                                                 \
        for (int t = 0; t < GEMM_COLS; t++) SDOT(acc[0][t], w01, x[t], second);                                                \
        for (int t = 0; t < GEMM_COLS; t++) SDOT(acc[1][t], w11, x[t], second);                                                \
    } while (0)
    STEP(0, 1);
    STEP(2, 3);
#undef STEP
#undef SDOT
}

#include "kernels/gemm_tile_neon.h"

#endif
