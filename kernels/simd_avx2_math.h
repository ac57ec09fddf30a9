/* simd_avx2_math.h - eight floats at a time: exp, reductions, and the last few elements of an array.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SIMD_AVX2_MATH_H
#define HARTREE_SIMD_AVX2_MATH_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

/* Lanes below n are all ones. With maskload and maskstore the end of an array goes through the same arithmetic as its middle,
 * so a result does not depend on its place; masked lanes are neither read nor written, even on a page that is not there. */
static inline __m256i avx2_mask8(size_t n)
{
    __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n < 8 ? (int)n : 8), lane);
}

/* exp, within 1 unit in the last place (0.92 at worst over every 13th float). It underflows gradually to 0,
 * overflows to infinity, and keeps NaN. x = k ln 2 + r with |r| <= 0.35, so exp(x) = 2^k exp(r). Taylor's series of exp(r) to
 * r^7 leaves 0.35^8 / 8! = 6e-9, a tenth of half a unit. ln 2 is taken in two parts, the first with zeros at its end, so that k
 * times it is exact; 2^k in two factors, since neither 2^128 nor 2^-149 is a normal float. */
static inline __m256 avx2_exp8(__m256 x)
{
    /* min and max return their second operand when either is NaN */
    x = _mm256_max_ps(_mm256_set1_ps(-104.0f), _mm256_min_ps(_mm256_set1_ps(89.0f), x));
    __m256 k = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256 r = _mm256_fnmadd_ps(k, _mm256_set1_ps(0.693359375f), x);
    r = _mm256_fnmadd_ps(k, _mm256_set1_ps(-2.12194440e-4f), r);
    __m256 p = _mm256_set1_ps(1.0f / 5040);
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 720));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 120));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 24));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 6));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.5f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
    __m256i n = _mm256_cvtps_epi32(k), half = _mm256_srai_epi32(n, 1), bias = _mm256_set1_epi32(127);
    __m256i a = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
    __m256i b = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(n, half), bias), 23);
    return _mm256_mul_ps(_mm256_mul_ps(p, _mm256_castsi256_ps(a)), _mm256_castsi256_ps(b));
}

/* Gcc reads memory once for each use of a loaded vector, as an operand, where loads are what a loop is short of: this forbids
 * it. */
static inline __m256 avx2_in_register(__m256 v)
{
    __asm__("" : "+x"(v));
    return v;
}

static inline float avx2_sum8(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static inline float avx2_max8(__m256 v)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

static inline double avx2_sum4d(__m256d v)
{
    __m128d s = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
    return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}

/* Lane i is the sum of the eight lanes of v[i]: eight sums for the price of three of avx2_sum8. */
static inline __m256 avx2_sums8(const __m256 v[8])
{
    __m256 s01 = _mm256_hadd_ps(v[0], v[1]), s23 = _mm256_hadd_ps(v[2], v[3]);
    __m256 s45 = _mm256_hadd_ps(v[4], v[5]), s67 = _mm256_hadd_ps(v[6], v[7]);
    __m256 low = _mm256_hadd_ps(s01, s23), high = _mm256_hadd_ps(s45, s67);
    return _mm256_add_ps(_mm256_permute2f128_ps(low, high, 0x20), _mm256_permute2f128_ps(low, high, 0x31));
}

#endif
