/* f32_dot_avx2.c - eight at a time.
 * SPDX-License-Identifier: MIT */
#include "kernels/simd_avx2.h"

AVX2_INLINE __m256 load8(const void *w)
{
    return _mm256_loadu_ps((const float *)w);
}

AVX2_INLINE void tile(const struct dot_args *a, size_t r, size_t c, const int nc)
{
    avx2_tile_float(a, r, c, nc, sizeof(float), load8);
}

DOT_KERNEL_AVX2(f32, avx2);
