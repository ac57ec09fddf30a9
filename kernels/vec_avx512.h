/* vec_avx512.h - vec.h's names for AVX-512 (F, BW, DQ, VL): sixteen lanes. The first n lanes of memory go by mask registers;
 * masked lanes are neither read nor written, even on a page that is not there.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_VEC_AVX512_H
#define HARTREE_VEC_AVX512_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/inline.h"

#define VEC_NEEDS  (CPU_AVX2 | CPU_FMA | CPU_F16C | CPU_AVX512 | CPU_VNNI) /* what the files are compiled for */

typedef __m512 vf;
#define VF_LANES 16

KERNEL_INLINE __mmask16 avx512_first(size_t n) { return (__mmask16)((1u << n) - 1); }

KERNEL_INLINE vf vf_load(const void *p) { return _mm512_loadu_ps(p); }
KERNEL_INLINE vf vf_load_n(const void *p, size_t n) { return _mm512_maskz_loadu_ps(avx512_first(n), p); }
KERNEL_INLINE void vf_store(float *p, vf v) { _mm512_storeu_ps(p, v); }
KERNEL_INLINE void vf_store_n(float *p, vf v, size_t n) { _mm512_mask_storeu_ps(p, avx512_first(n), v); }

KERNEL_INLINE vf avx512_of_bf16(__m256i h)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16));
}
KERNEL_INLINE __m256i avx512_to_f16(vf v) { return _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

KERNEL_INLINE vf vf_load_f16(const void *p) { return _mm512_cvtph_ps(_mm256_loadu_si256(p)); }
KERNEL_INLINE vf vf_load_f16_n(const void *p, size_t n)
{
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(avx512_first(n), p));
}
KERNEL_INLINE void vf_store_f16(void *p, vf v) { _mm256_storeu_si256(p, avx512_to_f16(v)); }
KERNEL_INLINE void vf_store_f16_n(void *p, vf v, size_t n) { _mm256_mask_storeu_epi16(p, avx512_first(n), avx512_to_f16(v)); }
KERNEL_INLINE vf vf_load_bf16(const void *p) { return avx512_of_bf16(_mm256_loadu_si256(p)); }
KERNEL_INLINE vf vf_load_bf16_n(const void *p, size_t n)
{
    return avx512_of_bf16(_mm256_maskz_loadu_epi16(avx512_first(n), p));
}
KERNEL_INLINE vf vf_load_i8(const void *p) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(p))); }

KERNEL_INLINE vf vf_set1(float x) { return _mm512_set1_ps(x); }
KERNEL_INLINE vf vf_set1_f16(const void *p)
{
    uint16_t h;
    memcpy(&h, p, sizeof h);
    return _mm512_set1_ps(_cvtsh_ss(h));
}
KERNEL_INLINE vf vf_zero(void) { return _mm512_setzero_ps(); }
KERNEL_INLINE vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
KERNEL_INLINE vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
KERNEL_INLINE vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
KERNEL_INLINE vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
KERNEL_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
KERNEL_INLINE vf vf_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }
KERNEL_INLINE vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
KERNEL_INLINE vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
KERNEL_INLINE vf vf_round(vf v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
KERNEL_INLINE vf vf_ldexp(vf v, vf k) { return _mm512_scalef_ps(v, k); }
KERNEL_INLINE vf vf_keep_n(vf v, size_t n) { return _mm512_maskz_mov_ps(avx512_first(n), v); }

KERNEL_INLINE float vf_sum(vf v) { return _mm512_reduce_add_ps(v); }
KERNEL_INLINE float vf_max_of(vf v) { return _mm512_reduce_max_ps(v); }

/* Four steps of adding halves, as one would transpose: neighbours of v, then pairs, within 128 bits; then across them. */

KERNEL_INLINE unsigned vf_greater_bits(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
KERNEL_INLINE bool vf_any_greater(vf a, vf b) { return vf_greater_bits(a, b) != 0; }

KERNEL_INLINE vf vf_swap_pairs(vf v) { return _mm512_permute_ps(v, 0xb1); }
KERNEL_INLINE vf vf_even_twice(vf v) { return _mm512_moveldup_ps(v); }
KERNEL_INLINE vf vf_odd_twice(vf v) { return _mm512_movehdup_ps(v); }
KERNEL_INLINE vf vf_sub_add(vf a, vf b) { return _mm512_mask_sub_ps(_mm512_add_ps(a, b), 0x5555, a, b); }

KERNEL_INLINE void vf_part(vf u, vf v, vf *even, vf *odd)
{
    const __m512i first = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    *even = _mm512_permutex2var_ps(u, first, v);
    *odd = _mm512_permutex2var_ps(u, _mm512_add_epi32(first, _mm512_set1_epi32(1)), v);
}

/* Pairs of rows, then of pairs, within 128-bit lanes; then pairs of those, and pairs again. */
KERNEL_INLINE void vf_transpose(vf v[VF_LANES])
{
    __m512 t[16], u[16];
    for (int i = 0; i < 16; i += 2) t[i] = _mm512_unpacklo_ps(v[i], v[i + 1]), t[i + 1] = _mm512_unpackhi_ps(v[i], v[i + 1]);
    for (int i = 0; i < 16; i += 4)
        for (int j = 0; j < 2; j++) {
            u[i + 2 * j] = _mm512_shuffle_ps(t[i + j], t[i + 2 + j], 0x44);
            u[i + 2 * j + 1] = _mm512_shuffle_ps(t[i + j], t[i + 2 + j], 0xee);
        }
    for (int i = 0; i < 4; i++) {
        __m512 a = _mm512_shuffle_f32x4(u[i], u[i + 4], 0x88), b = _mm512_shuffle_f32x4(u[i], u[i + 4], 0xdd);
        __m512 c = _mm512_shuffle_f32x4(u[i + 8], u[i + 12], 0x88), d = _mm512_shuffle_f32x4(u[i + 8], u[i + 12], 0xdd);
        v[i] = _mm512_shuffle_f32x4(a, c, 0x88), v[i + 8] = _mm512_shuffle_f32x4(a, c, 0xdd);
        v[i + 4] = _mm512_shuffle_f32x4(b, d, 0x88), v[i + 12] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
}

/* A broadcast from memory costs no more than a load, so the four stay there. */
typedef const float *vf4;
KERNEL_INLINE vf4 vf_load4(const float *p) { return p; }
KERNEL_INLINE vf vf_fma_lane(vf v, vf4 x, const int lane, vf c) { return vf_fma(v, vf_set1(x[lane]), c); }

KERNEL_INLINE vf vf_in_register(vf v)
{
#if !defined(EMULATED_AVX512) /* where there are no such registers */
    __asm__("" : "+v"(v));
#endif
    return v;
}

typedef struct {
    __m512d low, high;
} vd;

KERNEL_INLINE vd vd_zero(void) { return (vd){_mm512_setzero_pd(), _mm512_setzero_pd()}; }
KERNEL_INLINE vd vd_add(vd a, vd b) { return (vd){_mm512_add_pd(a.low, b.low), _mm512_add_pd(a.high, b.high)}; }
KERNEL_INLINE vd vd_of_floats(vf v)
{
    return (vd){_mm512_cvtps_pd(_mm512_castps512_ps256(v)), _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1))};
}
KERNEL_INLINE vd vd_add_floats(vd s, vf v) { return vd_add(s, vd_of_floats(v)); }
KERNEL_INLINE vd vd_add_squares(vd s, vf v)
{
    vd d = vd_of_floats(v);
    return (vd){_mm512_fmadd_pd(d.low, d.low, s.low), _mm512_fmadd_pd(d.high, d.high, s.high)};
}
KERNEL_INLINE double vd_sum(vd v) { return _mm512_reduce_add_pd(_mm512_add_pd(v.low, v.high)); }

#include "kernels/vec.h"

#endif
