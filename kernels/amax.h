/* amax.h - the scale of the formats that divide by the largest magnitude, and rounding to codes: what the scalar and the vector
 * kernels must do alike, to the bit.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_AMAX_H
#define HARTREE_AMAX_H

#include <float.h>
#include <math.h>
#include <stddef.h>

#include "kernels/half.h"

/* max |x|, NaN if there is one: as integers, the bits of magnitudes order as the magnitudes do, with NaN above infinity. */
static inline float amax_of(const float *x, size_t n)
{
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = f32_bits(x[i]) & 0x7fffffff;
        if (bits > most) most = bits;
    }
    return f32_from_bits(most);
}

/* d = amax / 127 and *inverse = 127 / amax. Where that is no number both ways, d is 0 (a block as good as zero) or NaN (one
 * with a NaN or an infinity, so that it shows in what is computed from it), and *inverse 0: the codes are then zero. */
static inline float amax_scale(float amax, float *inverse)
{
    *inverse = 0;
    if (!(amax <= FLT_MAX)) return f32_from_bits(0x7fc00000);
    if (amax < 1e-30f) return 0;
    *inverse = 127 / amax;
    return amax / 127;
}

/* x * inverse to the nearest integer, ties to even; |x * inverse| < 128. Adding 1.5 * 2^23 leaves no bits for a fraction. */
static inline int amax_code(float x, float inverse)
{
    return inverse != 0 ? (int)((x * inverse + 0x1.8p23f) - 0x1.8p23f) : 0;
}

#endif
