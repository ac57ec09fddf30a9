/* dot_smull.h - the products of dot_neon.h with NEON's first instructions: two products of bytes added up in int16, at most
 * 2 * 128 * 127 = 32512, then pairwise to int32.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_DOT_SMULL_H
#define HARTREE_DOT_SMULL_H

#include "kernels/dot_neon.h"

KERNEL_INLINE int32x4_t neon_dot(int32x4_t acc, int8x16_t w, int8x16_t x)
{
    const int16x8_t v = vmlal_high_s8(vmull_s8(vget_low_s8(w), vget_low_s8(x)), w, x);
    __asm__ volatile("sadalp %0.4s, %1.8h" : "+w"(acc) : "w"(v)); /* in the order written: dot_rise */
    return acc;
}

#endif
