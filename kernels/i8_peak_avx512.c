/* i8_peak_avx512.c - vpdpbusd: 64 multiply-adds an instruction, summed in int32. Sixteen chains are enough where two start a
 * cycle and each takes five.
 * SPDX-License-Identifier: MIT */
#include <immintrin.h>

#include "kernels/kernel.h"
#include "kernels/opaque.h"

#include <string.h>

static void i8_peak_avx512(const struct peak_args *a)
{
    const __m512i u = _mm512_loadu_si512(a->x), v = _mm512_loadu_si512((const char *)a->x + PEAK_I8_CODES);
    __m512i s[PEAK_I8_REPEATS];
    for (int k = 0; k < PEAK_I8_REPEATS; k++) s[k] = OPAQUE("v", _mm512_setzero_si512());
    for (size_t n = 0; n < a->n; n++)
        /* Opaque, or the sums are copied from register to register. */
        for (int k = 0; k < PEAK_I8_REPEATS; k++) s[k] = OPAQUE("v", _mm512_dpbusd_epi32(s[k], u, v));
    for (int k = 1; k < PEAK_I8_REPEATS; k++) s[0] = _mm512_add_epi32(s[0], s[k]);
    uint32_t lane[16]; /* their sum wraps: gcc's own reduction is of ints */
    _mm512_storeu_si512(lane, s[0]);
    for (int k = 1; k < 16; k++) lane[0] += lane[k];
    uint16_t y = (uint16_t)lane[0];
    memcpy(a->y, &y, sizeof y);
}

KERNEL(i8_peak, avx512, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C | CPU_AVX512 | CPU_VNNI, .exact = true);
