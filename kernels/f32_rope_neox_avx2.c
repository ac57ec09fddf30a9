/* f32_rope_neox_avx2.c - eight pairs at a time; the table's (cos, sin) pairs are parted in registers.
 * SPDX-License-Identifier: MIT */
#include "kernels/kernel.h"
#include "kernels/simd_avx2_math.h"

/* c = even elements, s = odd elements of two vectors, in order. The shuffle works within 128-bit lanes, so the lanes are first
 * paired up: u0-3 with u4-7, and v0-3 with v4-7. */
static inline void part(__m256 u, __m256 v, __m256 *c, __m256 *s)
{
    __m256 low = _mm256_permute2f128_ps(u, v, 0x20), high = _mm256_permute2f128_ps(u, v, 0x31);
    *c = _mm256_shuffle_ps(low, high, 0x88);
    *s = _mm256_shuffle_ps(low, high, 0xdd);
}

static void f32_rope_neox_avx2(const struct rope_args *a)
{
    size_t half = a->n_rot / 2, whole = half & ~(size_t)7;
    for (size_t h = 0; h < a->heads; h++) {
        float *x = a->x + h * a->stride;
        for (size_t j = 0; j < whole; j += 8) {
            __m256 c, s, x0 = _mm256_loadu_ps(x + j), x1 = _mm256_loadu_ps(x + half + j);
            part(_mm256_loadu_ps(a->cs + 2 * j), _mm256_loadu_ps(a->cs + 2 * j + 8), &c, &s);
            _mm256_storeu_ps(x + j, _mm256_sub_ps(_mm256_mul_ps(x0, c), _mm256_mul_ps(x1, s)));
            _mm256_storeu_ps(x + half + j, _mm256_add_ps(_mm256_mul_ps(x0, s), _mm256_mul_ps(x1, c)));
        }
        for (size_t j = whole; j < half; j++) {
            float c = a->cs[2 * j], s = a->cs[2 * j + 1], x0 = x[j], x1 = x[j + half];
            x[j] = x0 * c - x1 * s;
            x[j + half] = x0 * s + x1 * c;
        }
    }
}

KERNEL(f32_rope_neox, avx2, .needs = CPU_AVX2, .exact = true);
