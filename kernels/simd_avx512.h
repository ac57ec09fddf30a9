/* simd_avx512.h - what all AVX-512 kernels of the quantised types share.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SIMD_AVX512_H
#define HARTREE_SIMD_AVX512_H

#include <immintrin.h>
#include <string.h>

#include "kernels/blocks.h"
#include "kernels/inline.h"
#include "kernels/kernel.h"

#define AVX512_NEEDS  (CPU_AVX2 | CPU_FMA | CPU_F16C | CPU_AVX512 | CPU_VNNI)

KERNEL_INLINE __m128i avx512_load16(const void *p)
{
    return _mm_loadu_si128(p);
}

/* The 32-bit word at p in all lanes: four codes, two sums, or one. */
KERNEL_INLINE __m512i avx512_word(const void *p)
{
    int32_t v;
    memcpy(&v, p, sizeof v);
    return _mm512_set1_epi32(v);
}

/* Each byte shifted left (right where n < 0) and masked: bits that cross a byte's border are masked away. */
KERNEL_INLINE __m512i avx512_bits(__m512i v, int n, int mask)
{
    v = n > 0 ? _mm512_slli_epi16(v, (unsigned)n) : n < 0 ? _mm512_srli_epi16(v, (unsigned)-n) : v;
    return _mm512_and_si512(v, _mm512_set1_epi8((char)mask));
}

#endif
