/* f32_expand_avx2.c - 8 outputs at a time: as many of either vector as the mask asks for are loaded, permuted alike by each
 * lane's number among those of its own vector, and blended.
 * SPDX-License-Identifier: MIT */
#include "kernels/vec_avx2.h"
#include "kernels/kernel.h"

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

/* Outputs i .. i+n-1, 8 at most; x and z move on behind what they take. A masked store is slow: whole eights do without. */
KERNEL_INLINE void expand_8(float *y, const float **x, const float **z, const uint64_t *mask, size_t i, const size_t n,
                            const bool add)
{
    const unsigned second = ((const unsigned char *)mask)[i / 8] & ((1u << n) - 1);
    const size_t n_second = (size_t)__builtin_popcount(second);
    const uint64_t ones = bytes_of(second), before = ones * UINT64_C(0x0101010101010100); /* those in lower bytes */
    const uint64_t which = ones * 255, number = (before & which) | ((UINT64_C(0x0706050403020100) - before) & ~which);
    const __m256i lane = _mm256_cvtepu8_epi32(to_vector(number));
    vf v = _mm256_blendv_ps(_mm256_permutevar8x32_ps(vf_load_n(*x, n - n_second), lane),
                            _mm256_permutevar8x32_ps(vf_load_n(*z, n_second), lane),
                            _mm256_castsi256_ps(_mm256_cvtepi8_epi32(to_vector(which))));
    if (add) v = vf_add(n == 8 ? vf_load(y + i) : vf_load_n(y + i, n), v);
    if (n == 8)
        vf_store(y + i, v);
    else
        vf_store_n(y + i, v, n);
    *x += n - n_second;
    *z += n_second;
}

KERNEL_INLINE void expand(const struct expand_args *a, const bool add)
{
    float *y = a->y;
    const float *x = a->x[0], *z = a->x[1];
    const uint64_t *mask = a->mask;
    const size_t n = a->n;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) expand_8(y, &x, &z, mask, i, 8, add);
    if (i < n) expand_8(y, &x, &z, mask, i, n - i, add);
}

static void f32_expand_avx2(const struct expand_args *a)
{
    if (a->add)
        expand(a, true);
    else
        expand(a, false);
}

KERNEL(f32_expand, avx2, .needs = VEC_NEEDS, .exact = true);
