/* dot_smull.h - the products of dot_neon.h with NEON's first instructions: two products of bytes added up in int16, at most
 * 2 * 128 * 127 = 32512, then pairwise to int32.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_DOT_SMULL_H
#define HARTREE_DOT_SMULL_H

#include "kernels/dot_neon.h"

KERNEL_INLINE int32x4_t neon_dot(int32x4_t acc, int8x16_t w, int8x16_t x)
{
    return vpadalq_s16(acc, vmlal_high_s8(vmull_s8(vget_low_s8(w), vget_low_s8(x)), w, x));
}

KERNEL_INLINE int8x16x2_t dot_next4(const char **w)
{
    return neon_nibbles(dot_next16(w));
}

KERNEL_INLINE int8x16x2_t dot_next5(const char **w)
{
    const uint8_t *qh = (const uint8_t *)*w;
    *w += 4 + 16;
    return neon_codes5(qh + 4, qh);
}

KERNEL_INLINE int32x4_t dot_sums4(const char *w[4], const struct dot_x32 *x)
{
    return dot_by_row(w, x, dot_next4);
}

KERNEL_INLINE int32x4_t dot_sums5(const char *w[4], const struct dot_x32 *x)
{
    return dot_by_row(w, x, dot_next5);
}

#endif
