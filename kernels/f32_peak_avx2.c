/* f32_peak_avx2.c - fused multiply-adds of eight floats. Twelve chains hide the latency where two start a cycle and each takes
 * up to five; with a and b they need 14 of the 16 registers.
 * SPDX-License-Identifier: MIT */
#include <immintrin.h>

#include "kernels/kernel.h"

enum { CHAINS = 12, LANES = 8 };

static void f32_peak_avx2(const struct peak_args *a)
{
    const float *x = a->x;
    const __m256 u = _mm256_set1_ps(x[PEAK_F32_CHAINS]), v = _mm256_set1_ps(x[PEAK_F32_CHAINS + 1]);
    for (int i = 0; i < PEAK_F32_CHAINS; i += CHAINS * LANES) {
        __m256 s[CHAINS];
        for (int k = 0; k < CHAINS; k++) s[k] = _mm256_loadu_ps(x + i + k * LANES);
        for (size_t n = 0; n < a->n; n++)
            for (int k = 0; k < CHAINS; k++) s[k] = _mm256_fmadd_ps(u, v, s[k]);
        for (int k = 0; k < CHAINS; k++) _mm256_storeu_ps((float *)a->y + i + k * LANES, s[k]);
    }
}

KERNEL(f32_peak, avx2, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C, .exact = true);
