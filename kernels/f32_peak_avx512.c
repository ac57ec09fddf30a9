/* f32_peak_avx512.c - fused multiply-adds of sixteen floats, in twelve chains: enough where two start a cycle and each takes
 * four or five.
 * SPDX-License-Identifier: MIT */
#include <immintrin.h>

#include "kernels/kernel.h"

enum { CHAINS = 12, LANES = 16 };

static void f32_peak_avx512(const struct peak_args *a)
{
    const float *x = a->x;
    const __m512 u = _mm512_set1_ps(x[PEAK_F32_CHAINS]), v = _mm512_set1_ps(x[PEAK_F32_CHAINS + 1]);
    __m512 s[CHAINS];
    for (int k = 0; k < CHAINS; k++) s[k] = _mm512_loadu_ps(x + k * LANES);
    for (size_t n = 0; n < a->n; n++)
        for (int k = 0; k < CHAINS; k++) s[k] = _mm512_fmadd_ps(u, v, s[k]);
    for (int k = 0; k < CHAINS; k++) _mm512_storeu_ps((float *)a->y + k * LANES, s[k]);
}

KERNEL(f32_peak, avx512, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C | CPU_AVX512 | CPU_VNNI, .exact = true);
