/* bf16_dot_avx2.c - eight at a time, widened as they are loaded: a bf16 is the upper half of an f32.
 * SPDX-License-Identifier: MIT */
#include "kernels/simd_avx2.h"

AVX2_INLINE __m256 load8(const void *w)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)w)), 16));
}

AVX2_INLINE void tile(const struct dot_args *a, size_t r, size_t c, const int nc)
{
    avx2_tile_float(a, r, c, nc, sizeof(uint16_t), load8);
}

DOT_KERNEL_AVX2(bf16, avx2);
