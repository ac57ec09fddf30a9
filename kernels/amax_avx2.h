/* amax_avx2.h - amax.h, 32 floats at a time, bit for bit.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_AMAX_AVX2_H
#define HARTREE_AMAX_AVX2_H

#include "kernels/amax.h"
#include "kernels/simd_avx2.h"

/* Lane by lane the larger of most and the magnitudes of 32 floats, as integers: NaN is above all. */
KERNEL_INLINE __m256i amax_step(__m256i most, const float *x)
{
    const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
    for (int i = 0; i < 32; i += 8) most = _mm256_max_epi32(most, _mm256_and_si256(avx2_load(x + i), magnitude));
    return most;
}

KERNEL_INLINE float amax_reduce(__m256i most)
{
    __m128i m = _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1));
    return f32_from_bits((uint32_t)_mm_cvtsi128_si32(m));
}

/* 32 codes of x * inverse within -limit..limit, in order; zero where inverse is 0. The conversion rounds ties to even. */
KERNEL_INLINE __m256i amax_codes(const float *x, float inverse, float limit)
{
    if (inverse == 0) return _mm256_setzero_si256();
    const __m256 f = _mm256_set1_ps(inverse), high = _mm256_set1_ps(limit), low = _mm256_set1_ps(-limit);
    __m256i q[4];
    for (int i = 0; i < 4; i++)
        q[i] = _mm256_cvtps_epi32(_mm256_max_ps(low, _mm256_min_ps(high, _mm256_mul_ps(_mm256_loadu_ps(x + 8 * i), f))));
    /* The packs work within halves: restore the order of groups of four. */
    __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
    return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/* Eight int32: sums of four neighbouring codes each. */
KERNEL_INLINE __m256i amax_sums(__m256i codes)
{
    return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), codes), _mm256_set1_epi16(1));
}

#endif
