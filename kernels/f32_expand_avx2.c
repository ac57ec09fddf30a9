/* f32_expand_avx2.c - 8 outputs at a time: as many of either vector as the mask asks for are loaded, permuted alike by each
 * lane's number among those of its own vector, and blended.
 * SPDX-License-Identifier: MIT */
#include "kernels/vec_avx2.h"
#include "kernels/expand.h"

/* Bit i of m as byte i, 0 or 1. The product puts bit i to the places i, i + 7 .. i + 42, of which i + 7 i is kept; of seven
 * bits no two meet. */
KERNEL_INLINE uint64_t bytes_of(unsigned m)
{
    return ((m & 127) * UINT64_C(0x040810204081) & UINT64_C(0x0101010101010101)) | (uint64_t)(m >> 7) << 56;
}

KERNEL_INLINE __m128i to_vector(uint64_t bytes)
{
    return _mm_cvtsi64_si128((int64_t)bytes);
}

KERNEL_INLINE vf lanes(const float *x, const float *z, unsigned second, size_t n)
{
    const size_t n_second = (size_t)__builtin_popcount(second);
    const uint64_t ones = bytes_of(second), before = ones * UINT64_C(0x0101010101010100); /* those in lower bytes */
    const uint64_t which = ones * 255, number = (before & which) | ((UINT64_C(0x0706050403020100) - before) & ~which);
    const __m256i lane = _mm256_cvtepu8_epi32(to_vector(number));
    return _mm256_blendv_ps(_mm256_permutevar8x32_ps(vf_load_n(x, n - n_second), lane),
                            _mm256_permutevar8x32_ps(vf_load_n(z, n_second), lane),
                            _mm256_castsi256_ps(_mm256_cvtepi8_epi32(to_vector(which))));
}

static void f32_expand_avx2(const struct expand_args *a)
{
    expand(a, lanes);
}

KERNEL(f32_expand, avx2, .needs = VEC_NEEDS, .exact = true);
