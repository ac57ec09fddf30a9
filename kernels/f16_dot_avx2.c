/* f16_dot_avx2.c - eight at a time, converted as they are loaded.
 * SPDX-License-Identifier: MIT */
#include "kernels/simd_avx2.h"

AVX2_INLINE __m256 load8(const void *w)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)w));
}

AVX2_INLINE void tile(const struct dot_args *a, size_t r, size_t c, const int nc)
{
    avx2_tile_float(a, r, c, nc, sizeof(uint16_t), load8);
}

DOT_KERNEL_AVX2(f16, avx2);
