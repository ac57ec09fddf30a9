/* amax_avx512.h - amax.h, 16 floats at a time, bit for bit.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_AMAX_AVX512_H
#define HARTREE_AMAX_AVX512_H

#include "kernels/amax_avx2.h"
#include "kernels/simd_avx512.h"

/* The largest magnitude of n floats, n a multiple of 16, as amax_of. */
KERNEL_INLINE float amax_of_avx512(const float *x, const int n)
{
    __m512i most = _mm512_setzero_si512();
    for (int i = 0; i < n; i += 16)
        most = _mm512_max_epi32(most, _mm512_and_si512(_mm512_loadu_si512(x + i), _mm512_set1_epi32(0x7fffffff)));
    return amax_reduce(_mm256_max_epi32(_mm512_castsi512_si256(most), _mm512_extracti64x4_epi64(most, 1)));
}

/* 16 codes of x * inverse as int32, zero where inverse is 0. |x * inverse| < 127.5, so nothing is beyond a byte. */
KERNEL_INLINE __m512i amax_codes_avx512(const float *x, float inverse)
{
    if (inverse == 0) return _mm512_setzero_si512(); /* x may be no number */
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x), _mm512_set1_ps(inverse)));
}

#endif
