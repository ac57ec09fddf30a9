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
EMULATED_LANES(cvtepi32_epi16, __m256i, uint16_t, __m512i, uint32_t, 16, in[i])
EMULATED_LANES(cvtepi32_epi8, __m128i, uint8_t, __m512i, uint32_t, 16, in[i])
EMULATED_LANES(cvtepi8_epi32, __m512i, int32_t, __m128i, int8_t, 16, in[i])
EMULATED_LANES(cvtph_ps, __m512, float, __m256i, uint16_t, 16, _cvtsh_ss(in[i]))
#undef EMULATED_LANES
#define _mm512_cvtepi32_ps    emulated_cvtepi32_ps
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
static __attribute__((noinline, unused)) __m256 emulated_extractf32x8_ps(__m512 v, int half)
{
    __m256 lanes[2];
    memcpy(lanes, &v, sizeof lanes);
    return lanes[half];
}
#define _mm512_zextsi256_si512  emulated_zextsi256_si512
#define _mm512_extractf32x8_ps  emulated_extractf32x8_ps

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

#endif
