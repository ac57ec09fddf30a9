/* immintrin.h - AVX-512 without the hardware, for tests: `make SIMDE=1` finds this file before the compiler's. SIMDe
 * (github.com/simd-everywhere/simde, package libsimde-dev) emulates most of the intrinsics by AVX2 or plain C; those that its
 * release 0.7.4 lacks stand here, lane by lane, as Intel's Intrinsics Guide has them.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SIMDE_IMMINTRIN_H
#define HARTREE_SIMDE_IMMINTRIN_H

#include_next <immintrin.h>

#include <stdint.h>
#include <string.h>

#define SIMDE_NO_INLINE /* compiles a hundred times faster */
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

/* out[i] = an expression of in[i], an array of the lanes of v. */
#define EMULATED_LANES(NAME, TO, TO_LANE, FROM, FROM_LANE, N, EXPRESSION) \
    static __attribute__((noinline, unused)) TO emulated_##NAME(FROM v)    \
    {                                                                     \
        FROM_LANE in[N];                                                  \
        TO_LANE out[N];                                                   \
        TO result;                                                        \
        memcpy(in, &v, sizeof in);                                        \
        for (int i = 0; i < N; i++) out[i] = (TO_LANE)(EXPRESSION);       \
        memcpy(&result, out, sizeof out);                                 \
        return result;                                                    \
    }
EMULATED_LANES(cvtepi32_ps, __m512, float, __m512i, int32_t, 16, in[i])
EMULATED_LANES(cvtps_epi32, __m512i, int32_t, __m512, float, 16, _mm_cvtss_si32(_mm_set_ss(in[i])))
EMULATED_LANES(cvtepi32_epi16, __m256i, uint16_t, __m512i, uint32_t, 16, in[i])
EMULATED_LANES(cvtepi32_epi8, __m128i, uint8_t, __m512i, uint32_t, 16, in[i])
EMULATED_LANES(cvtepi8_epi32, __m512i, int32_t, __m128i, int8_t, 16, in[i])
EMULATED_LANES(cvtph_ps, __m512, float, __m256i, uint16_t, 16, _cvtsh_ss(in[i]))
#undef EMULATED_LANES
#define _mm512_cvtepi32_ps    emulated_cvtepi32_ps
#define _mm512_cvtps_epi32    emulated_cvtps_epi32
#define _mm512_cvtepi32_epi16 emulated_cvtepi32_epi16
#define _mm512_cvtepi32_epi8  emulated_cvtepi32_epi8
#define _mm512_cvtepi8_epi32  emulated_cvtepi8_epi32
#define _mm512_cvtph_ps       emulated_cvtph_ps

static __attribute__((noinline, unused)) __m512i emulated_zextsi256_si512(__m256i v)
{
    __m256i lanes[2] = {v, _mm256_setzero_si256()};
    __m512i result;
    memcpy(&result, lanes, sizeof result);
    return result;
}
#define _mm512_zextsi256_si512 emulated_zextsi256_si512

/* Masked lanes of memory are not touched. */
static __attribute__((noinline, unused)) __m512 emulated_maskz_loadu_ps(__mmask16 mask, const void *p)
{
    float lanes[16] = {0};
    __m512 result;
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) memcpy(&lanes[i], (const char *)p + 4 * i, 4);
    memcpy(&result, lanes, sizeof lanes);
    return result;
}
static __attribute__((noinline, unused)) void emulated_mask_storeu_ps(void *p, __mmask16 mask, __m512 v)
{
    float lanes[16];
    memcpy(lanes, &v, sizeof lanes);
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) memcpy((char *)p + 4 * i, &lanes[i], 4);
}
#define _mm512_maskz_loadu_ps emulated_maskz_loadu_ps
#define _mm512_mask_storeu_ps emulated_mask_storeu_ps

/* As many floats as the mask has bits, to its lanes; more are not touched. */
static __attribute__((noinline, unused)) __m512 emulated_mask_expandloadu_ps(__m512 v, __mmask16 mask, const void *p)
{
    float lanes[16];
    const char *next = p;
    memcpy(lanes, &v, sizeof lanes);
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) memcpy(&lanes[i], next, 4), next += 4;
    memcpy(&v, lanes, sizeof lanes);
    return v;
}
#define _mm512_mask_expandloadu_ps             emulated_mask_expandloadu_ps
#define _mm512_maskz_expandloadu_ps(mask, p)   emulated_mask_expandloadu_ps(_mm512_setzero_ps(), mask, p)

/* A row's scales, of which some are another row's. */
static __attribute__((noinline, unused)) __m512 emulated_maskz_cvtph_ps(__mmask16 mask, __m256i v)
{
    uint16_t in[16];
    float lanes[16] = {0};
    __m512 result;
    memcpy(in, &v, sizeof in);
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) lanes[i] = _cvtsh_ss(in[i]);
    memcpy(&result, lanes, sizeof lanes);
    return result;
}
static __attribute__((noinline, unused)) __m128 emulated_maskz_cvtph_ps_128(__mmask8 mask, __m128i v)
{
    float lanes[4];
    __m128 result = _mm_cvtph_ps(v);
    memcpy(lanes, &result, sizeof lanes);
    for (int i = 0; i < 4; i++)
        if (!(mask >> i & 1)) lanes[i] = 0;
    memcpy(&result, lanes, sizeof lanes);
    return result;
}
#define _mm512_maskz_cvtph_ps emulated_maskz_cvtph_ps
#define _mm_maskz_cvtph_ps    emulated_maskz_cvtph_ps_128

/* ---- What vec_avx512.h needs besides ---- */

/* Two vectors' lanes by number, 0..15 of a and 16..31 of b. */
static inline __m512 emulated_pick_ps(__m512 a, __m512 b, const int at[16])
{
    float in[32], out[16];
    __m512 result;
    memcpy(in, &a, sizeof a);
    memcpy(in + 16, &b, sizeof b);
    for (int i = 0; i < 16; i++) out[i] = in[at[i]];
    memcpy(&result, out, sizeof out);
    return result;
}
static inline __m512 emulated_shuffle_f32x4(__m512 a, __m512 b, int imm)
{
    int at[16];
    for (int i = 0; i < 16; i++) at[i] = i / 8 * 16 + (imm >> 2 * (i / 4) & 3) * 4 + i % 4;
    return emulated_pick_ps(a, b, at);
}
static inline __m512 emulated_permute_ps(__m512 v, int imm)
{
    int at[16];
    for (int i = 0; i < 16; i++) at[i] = i / 4 * 4 + (imm >> 2 * (i % 4) & 3);
    return emulated_pick_ps(v, v, at);
}
#define _mm512_shuffle_f32x4 emulated_shuffle_f32x4
#define _mm512_permute_ps    emulated_permute_ps
#define _mm512_moveldup_ps(v) emulated_permute_ps(v, 0xa0)
#define _mm512_movehdup_ps(v) emulated_permute_ps(v, 0xf5)

static inline __m256 emulated_extractf32x8_ps(__m512 v, int at)
{
    __m256 half[2];
    memcpy(half, &v, sizeof half);
    return half[at];
}
static inline __m512d emulated_cvtps_pd(__m256 v)
{
    float in[8];
    double out[8];
    __m512d result;
    memcpy(in, &v, sizeof in);
    for (int i = 0; i < 8; i++) out[i] = in[i];
    memcpy(&result, out, sizeof out);
    return result;
}
static inline __m512i emulated_cvtepu16_epi32(__m256i v)
{
    uint16_t in[16];
    uint32_t out[16];
    __m512i result;
    memcpy(in, &v, sizeof in);
    for (int i = 0; i < 16; i++) out[i] = in[i];
    memcpy(&result, out, sizeof out);
    return result;
}
static inline __m256i emulated_cvtps_ph(__m512 v, int rounding)
{
    __m256 half[2];
    __m128i out[2];
    __m256i result;
    (void)rounding; /* always to nearest */
    memcpy(half, &v, sizeof half);
    for (int i = 0; i < 2; i++) out[i] = _mm256_cvtps_ph(half[i], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    memcpy(&result, out, sizeof out);
    return result;
}
static inline __m256i emulated_maskz_loadu_epi16(__mmask16 mask, const void *p)
{
    uint16_t lanes[16] = {0};
    __m256i result;
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) memcpy(&lanes[i], (const char *)p + 2 * i, 2);
    memcpy(&result, lanes, sizeof lanes);
    return result;
}
static inline void emulated_mask_storeu_epi16(void *p, __mmask16 mask, __m256i v)
{
    uint16_t lanes[16];
    memcpy(lanes, &v, sizeof lanes);
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) memcpy((char *)p + 2 * i, &lanes[i], 2);
}
#define _mm512_extractf32x8_ps   emulated_extractf32x8_ps
#define _mm512_cvtps_pd          emulated_cvtps_pd
#define _mm512_cvtepu16_epi32    emulated_cvtepu16_epi32
#define _mm512_cvtps_ph          emulated_cvtps_ph
#define _mm256_maskz_loadu_epi16 emulated_maskz_loadu_epi16
#define _mm256_mask_storeu_epi16 emulated_mask_storeu_epi16

/* Across lanes, by halves, as the intrinsics do. */
static inline float emulated_reduce_ps(__m512 v, int greatest)
{
    float lane[16];
    memcpy(lane, &v, sizeof lane);
    for (int n = 8; n; n /= 2)
        for (int i = 0; i < n; i++)
            lane[i] = !greatest ? lane[i] + lane[i + n] : lane[i] > lane[i + n] ? lane[i] : lane[i + n];
    return lane[0];
}
static inline double emulated_reduce_add_pd(__m512d v)
{
    double lane[8];
    memcpy(lane, &v, sizeof lane);
    for (int n = 4; n; n /= 2)
        for (int i = 0; i < n; i++) lane[i] += lane[i + n];
    return lane[0];
}
static inline int emulated_reduce_add_epi32(__m512i v)
{
    uint32_t lane[16], sum = 0;
    memcpy(lane, &v, sizeof lane);
    for (int i = 0; i < 16; i++) sum += lane[i];
    return (int)sum;
}
#define _mm512_reduce_add_epi32 emulated_reduce_add_epi32
#define _mm512_reduce_add_ps(v) emulated_reduce_ps(v, 0)
#define _mm512_reduce_max_ps(v) emulated_reduce_ps(v, 1)
#define _mm512_reduce_add_pd    emulated_reduce_add_pd

#endif
