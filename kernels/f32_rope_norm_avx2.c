/* f32_rope_norm_avx2.c - four pairs at a time, as they lie: cos and sin are doubled up, and addsub does both halves of a
 * rotation. SPDX-License-Identifier: MIT */
#include "kernels/kernel.h"
#include "kernels/simd_avx2_math.h"

static inline __m256 rotate(__m256 x, __m256 cs)
{
    __m256 swapped = _mm256_permute_ps(x, 0xb1);
    return _mm256_addsub_ps(_mm256_mul_ps(x, _mm256_moveldup_ps(cs)), _mm256_mul_ps(swapped, _mm256_movehdup_ps(cs)));
}

static void f32_rope_norm_avx2(const struct rope_args *a)
{
    size_t n = a->n_rot & ~(size_t)1;
    for (size_t h = 0; h < a->heads; h++) {
        float *x = a->x + h * a->stride;
        size_t j = 0;
        for (; j + 8 <= n; j += 8) _mm256_storeu_ps(x + j, rotate(_mm256_loadu_ps(x + j), _mm256_loadu_ps(a->cs + j)));
        if (j < n) {
            __m256i tail = avx2_mask8(n - j);
            _mm256_maskstore_ps(x + j, tail, rotate(_mm256_maskload_ps(x + j, tail), _mm256_maskload_ps(a->cs + j, tail)));
        }
    }
}

KERNEL(f32_rope_norm, avx2, .needs = CPU_AVX2, .exact = true);
