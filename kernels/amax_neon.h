/* amax_neon.h - amax.h, 32 floats at a time, bit for bit.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_AMAX_NEON_H
#define HARTREE_AMAX_NEON_H

#include "kernels/amax.h"
#include "kernels/simd_neon.h"

/* Lane by lane the larger of most and the magnitudes of 32 floats, as integers: NaN is above all. */
KERNEL_INLINE uint32x4_t amax_step(uint32x4_t most, const float *x)
{
    const uint32x4_t magnitude = vdupq_n_u32(0x7fffffff);
    for (int i = 0; i < 32; i += 4) most = vmaxq_u32(most, vandq_u32(vreinterpretq_u32_f32(vld1q_f32(x + i)), magnitude));
    return most;
}

KERNEL_INLINE float amax_reduce(uint32x4_t most)
{
    return f32_from_bits(vmaxvq_u32(most));
}

/* 16 codes of x * inverse within -limit..limit; zero where inverse is 0. The conversion rounds ties to even; both narrowings
 * saturate, to -128..127, which is further than |x * inverse| goes but for a limit. */
KERNEL_INLINE int8x16_t amax_codes(const float *x, float inverse, const float limit)
{
    int16x8_t h[2];
    if (inverse == 0) return vdupq_n_s8(0);
    for (int i = 0; i < 2; i++) {
        int32x4_t q[2];
        for (int j = 0; j < 2; j++) {
            float32x4_t v = vmulq_n_f32(vld1q_f32(x + 8 * i + 4 * j), inverse);
            if (limit != 0) v = vmaxq_f32(vminq_f32(v, vdupq_n_f32(limit)), vdupq_n_f32(-limit));
            q[j] = vcvtnq_s32_f32(v);
        }
        h[i] = vqmovn_high_s32(vqmovn_s32(q[0]), q[1]);
    }
    return vqmovn_high_s16(vqmovn_s16(h[0]), h[1]);
}

#endif
