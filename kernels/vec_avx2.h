/* vec_avx2.h - vec.h's names for AVX2 with FMA and F16C: eight lanes. The first n lanes of memory go by vmaskmov, which neither
 * reads nor writes masked lanes, even on a page that is not there; 16-bit ones, which have no mask, through a padded copy.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_VEC_AVX2_H
#define HARTREE_VEC_AVX2_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/inline.h"

#define VEC_NEEDS  (CPU_AVX2 | CPU_FMA | CPU_F16C)

typedef __m256 vf;
#define VF_LANES 8

/* All ones in the lanes below n. */
KERNEL_INLINE __m256i avx2_first(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

KERNEL_INLINE vf vf_load(const void *p) { return _mm256_loadu_ps(p); }
KERNEL_INLINE vf vf_load_n(const void *p, size_t n) { return _mm256_maskload_ps(p, avx2_first(n)); }
KERNEL_INLINE void vf_store(float *p, vf v) { _mm256_storeu_ps(p, v); }
KERNEL_INLINE void vf_store_n(float *p, vf v, size_t n) { _mm256_maskstore_ps(p, avx2_first(n), v); }

KERNEL_INLINE vf vf_load_f16(const void *p) { return _mm256_cvtph_ps(_mm_loadu_si128(p)); }
KERNEL_INLINE vf vf_load_bf16(const void *p)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(p)), 16));
}
KERNEL_INLINE vf vf_load_f16_n(const void *p, size_t n)
{
    uint16_t h[VF_LANES] = {0};
    memcpy(h, p, n * sizeof *h);
    return vf_load_f16(h);
}
KERNEL_INLINE vf vf_load_bf16_n(const void *p, size_t n)
{
    uint16_t h[VF_LANES] = {0};
    memcpy(h, p, n * sizeof *h);
    return vf_load_bf16(h);
}
KERNEL_INLINE void vf_store_f16(void *p, vf v)
{
    _mm_storeu_si128(p, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
KERNEL_INLINE void vf_store_f16_n(void *p, vf v, size_t n)
{
    uint16_t h[VF_LANES];
    vf_store_f16(h, v);
    memcpy(p, h, n * sizeof *h);
}
KERNEL_INLINE vf vf_load_i8(const void *p) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(p))); }

KERNEL_INLINE vf vf_set1(float x) { return _mm256_set1_ps(x); }
KERNEL_INLINE vf vf_set1_f16(const void *p)
{
    uint16_t h;
    memcpy(&h, p, sizeof h);
    return _mm256_set1_ps(_cvtsh_ss(h));
}
KERNEL_INLINE vf vf_zero(void) { return _mm256_setzero_ps(); }
KERNEL_INLINE vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
KERNEL_INLINE vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
KERNEL_INLINE vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
KERNEL_INLINE vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
KERNEL_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
KERNEL_INLINE vf vf_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
KERNEL_INLINE vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }
KERNEL_INLINE vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
KERNEL_INLINE vf vf_round(vf v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

/* 2^k in two factors, since neither 2^128 nor 2^-149 is a normal float. */
KERNEL_INLINE vf vf_ldexp(vf v, vf k)
{
    __m256i n = _mm256_cvtps_epi32(k), half = _mm256_srai_epi32(n, 1), bias = _mm256_set1_epi32(127);
    __m256i a = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
    __m256i b = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(n, half), bias), 23);
    return _mm256_mul_ps(_mm256_mul_ps(v, _mm256_castsi256_ps(a)), _mm256_castsi256_ps(b));
}

KERNEL_INLINE vf vf_keep_n(vf v, size_t n) { return _mm256_and_ps(v, _mm256_castsi256_ps(avx2_first(n))); }

KERNEL_INLINE float vf_sum(vf v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
KERNEL_INLINE float vf_max_of(vf v)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

KERNEL_INLINE unsigned vf_greater_bits(vf a, vf b) { return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ)); }
KERNEL_INLINE bool vf_any_greater(vf a, vf b) { return vf_greater_bits(a, b) != 0; }

KERNEL_INLINE vf vf_swap_pairs(vf v) { return _mm256_permute_ps(v, 0xb1); }
KERNEL_INLINE vf vf_even_twice(vf v) { return _mm256_moveldup_ps(v); }
KERNEL_INLINE vf vf_odd_twice(vf v) { return _mm256_movehdup_ps(v); }
KERNEL_INLINE vf vf_sub_add(vf a, vf b) { return _mm256_addsub_ps(a, b); }

/* The shuffle works within 128-bit lanes, so the lanes are first paired up: u0-3 with u4-7, and v0-3 with v4-7. */
KERNEL_INLINE void vf_part(vf u, vf v, vf *even, vf *odd)
{
    __m256 low = _mm256_permute2f128_ps(u, v, 0x20), high = _mm256_permute2f128_ps(u, v, 0x31);
    *even = _mm256_shuffle_ps(low, high, 0x88);
    *odd = _mm256_shuffle_ps(low, high, 0xdd);
}

/* Pairs of rows, then of pairs, within 128-bit lanes; then the lanes. */
KERNEL_INLINE void vf_transpose(vf v[VF_LANES])
{
    __m256 t[8], u[8];
    for (int i = 0; i < 8; i += 2) t[i] = _mm256_unpacklo_ps(v[i], v[i + 1]), t[i + 1] = _mm256_unpackhi_ps(v[i], v[i + 1]);
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; j++) {
            u[i + 2 * j] = _mm256_shuffle_ps(t[i + j], t[i + 2 + j], 0x44);
            u[i + 2 * j + 1] = _mm256_shuffle_ps(t[i + j], t[i + 2 + j], 0xee);
        }
    for (int i = 0; i < 4; i++) {
        v[i] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x20);
        v[i + 4] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x31);
    }
}

/* A broadcast from memory costs no more than a load, so the four stay there. */
typedef const float *vf4;
KERNEL_INLINE vf4 vf_load4(const float *p) { return p; }
KERNEL_INLINE vf vf_fma_lane(vf v, vf4 x, const int lane, vf c) { return vf_fma(v, vf_set1(x[lane]), c); }

KERNEL_INLINE vf vf_in_register(vf v)
{
    __asm__("" : "+x"(v));
    return v;
}

typedef struct {
    __m256d low, high;
} vd;

KERNEL_INLINE vd vd_zero(void) { return (vd){_mm256_setzero_pd(), _mm256_setzero_pd()}; }
KERNEL_INLINE vd vd_add(vd a, vd b) { return (vd){_mm256_add_pd(a.low, b.low), _mm256_add_pd(a.high, b.high)}; }
KERNEL_INLINE vd vd_of_floats(vf v)
{
    return (vd){_mm256_cvtps_pd(_mm256_castps256_ps128(v)), _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1))};
}
KERNEL_INLINE vd vd_add_floats(vd s, vf v) { return vd_add(s, vd_of_floats(v)); }
KERNEL_INLINE vd vd_add_squares(vd s, vf v)
{
    vd d = vd_of_floats(v);
    return (vd){_mm256_fmadd_pd(d.low, d.low, s.low), _mm256_fmadd_pd(d.high, d.high, s.high)};
}
KERNEL_INLINE double vd_sum(vd v)
{
    __m256d all = _mm256_add_pd(v.low, v.high);
    __m128d s = _mm_add_pd(_mm256_castpd256_pd128(all), _mm256_extractf128_pd(all, 1));
    return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}

#include "kernels/vec.h"

#endif
