/* simd_avx2.h - what the AVX2 kernels of the tensor types share: codes and scales out of blocks, and little sums.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SIMD_AVX2_H
#define HARTREE_SIMD_AVX2_H

#include <immintrin.h>
#include <string.h>

#include "kernels/blocks.h"
#include "kernels/inline.h"
#include "kernels/kernel.h"

/* A single column's weights come from memory and are soon used up: they are asked for this far ahead, in the order of their
 * addresses. The hardware's own prefetcher stops at every page. Beyond a matrix's end this is only a hint that goes unheard.
 * Floats, which need less arithmetic a byte, are better left to that prefetcher (dot_float.h). */
enum { DOT_AHEAD_BYTES = 2048 };

KERNEL_INLINE void dot_ahead(const char *w, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64) _mm_prefetch((const char *)((uintptr_t)w + DOT_AHEAD_BYTES + i), _MM_HINT_T0);
}

KERNEL_INLINE float avx2_hsum(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

KERNEL_INLINE float avx2_f16(uint16_t h)
{
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(h)));
}

KERNEL_INLINE __m256i avx2_load(const void *p)
{
    return _mm256_loadu_si256(p);
}

/* Each byte shifted left (right where n < 0) and masked: bits that cross a byte's border are masked away. */
KERNEL_INLINE __m256i avx2_bits(__m256i v, int n, int mask)
{
    v = n > 0 ? _mm256_slli_epi16(v, n) : n < 0 ? _mm256_srli_epi16(v, -n) : v;
    return _mm256_and_si256(v, _mm256_set1_epi8((char)mask));
}

/* ---- Dequantising: y = d * q, or with has_m d * q - m, each operation rounded as in the scalar rows ---- */

KERNEL_INLINE void avx2_store16(float *y, __m128i q, __m256 d, __m256 m, const int has_m)
{
    for (int i = 0; i < 2; i++) {
        __m256 v = _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(i ? _mm_srli_si128(q, 8) : q)));
        _mm256_storeu_ps(y + 8 * i, has_m ? _mm256_sub_ps(v, m) : v);
    }
}

KERNEL_INLINE void avx2_store32(float *y, __m256i q, __m256 d, __m256 m, const int has_m)
{
    avx2_store16(y, _mm256_castsi256_si128(q), d, m, has_m);
    avx2_store16(y + 16, _mm256_extracti128_si256(q, 1), d, m, has_m);
}

/* ---- Blocks of 32 ---- */

/* The 4-bit codes of 16 bytes in element order: low nibbles, then high ones. */
KERNEL_INLINE __m256i avx2_codes4(const uint8_t qs[16])
{
    __m256i v = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)qs));
    return _mm256_and_si256(_mm256_srlv_epi64(v, _mm256_setr_epi64x(0, 0, 4, 4)), _mm256_set1_epi8(15));
}

/* Nibbles and a fifth bit. Each byte gets the one of qh's four that holds its bit, and keeps that bit. sign() then turns it
 * into -16 where it is set: bits 0..6 are numbers above zero, and bit 7 one below. */
KERNEL_INLINE __m256i avx2_codes5(const uint8_t qs[16], const uint8_t qh[4])
{
    int32_t bits;
    memcpy(&bits, qh, sizeof bits);
    const __m256i where = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201);
    const __m256i fifth = _mm256_set1_epi64x(0x10f0f0f0f0f0f0f0);
    __m256i v = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(bits), where), bit);
    return _mm256_sub_epi8(avx2_codes4(qs), _mm256_sign_epi8(fifth, v));
}

/* The 32 codes of a block. Every block begins with its f16 scale d; where there is an offset m, it is next. */
typedef __m256i avx2_codes32(const void *block);

/* What codes are: signed bytes; or unsigned ones below 32, either with a constant `lift` that is to be taken off, or with m to
 * be added. */
enum avx2_kind { AVX2_SIGNED8, AVX2_LIFTED, AVX2_MINIMUM };

/* ---- Blocks of 256 ---- */

/* The scales of a block, one signed byte for each 16 elements (those of sub-blocks of 32 stand twice), and what multiplies
 * bsums. */
struct avx2_block256 {
    __m128i scale, offset;
    float d, dmin;
};
typedef struct avx2_block256 avx2_open256(const void *block);
typedef __m256i avx2_codes256(const void *block, int j); /* unsigned codes of elements 32j .. 32j+31 */

enum { AVX2_MINIMA = -1 };

/* q4_K's and q5_K's 12 bytes: in each of three words u of four bytes, 6-bit fields as blocks.h draws them. The load takes four
 * bytes more, which are the block's own. */
KERNEL_INLINE struct avx2_block256 avx2_scales8(const uint8_t scales[12], float d, float dmin)
{
    const int six = 0x3f3f3f3f, four = 0x0f0f0f0f, two = 0x30303030;
    __m128i u = _mm_loadu_si128((const __m128i *)scales);
    __m128i low = _mm_srlv_epi32(_mm_shuffle_epi32(u, _MM_SHUFFLE(2, 1, 2, 0)), _mm_setr_epi32(0, 0, 0, 4));
    __m128i high = _mm_srli_epi32(_mm_shuffle_epi32(u, _MM_SHUFFLE(1, 1, 0, 0)), 2);
    u = _mm_or_si128(_mm_and_si128(low, _mm_setr_epi32(six, four, six, four)),
                     _mm_and_si128(high, _mm_setr_epi32(0, two, 0, two)));
    return (struct avx2_block256){_mm_unpacklo_epi8(u, u), _mm_unpackhi_epi8(u, u), d, dmin};
}

#endif
