/* i8_peak_avx2.c - maddubs adds pairs of products in int16, and one addition collects them there: 32 multiply-adds for two
 * instructions, the most that AVX2 has. On Zen 3 that is 1.6 times 32 a cycle, since additions take the ports of maddubs now
 * and then, which alone would start two.
 *
 * Sums in int16 overflow soon. A kernel that wants them whole must widen: a madd, and an addition in int32, for as many maddubs
 * as fit between. Codes of 8 bits leave room for none, those below 32 for four, those below 16 for eight; so that it has 3,
 * 2.25 or 2.1 instructions for each of the 2 here.
 * SPDX-License-Identifier: MIT */
#include <immintrin.h>

#include "kernels/kernel.h"
#include "kernels/opaque.h"

#include <string.h>

enum { CHAINS = 4, VECTORS = 2, LANES = 16 }; /* an addition takes one cycle: a few chains are enough */

static void i8_peak_avx2(const struct peak_args *a)
{
    const __m256i *x = a->x;
    __m256i u[VECTORS], v[VECTORS], s[CHAINS];
    for (int i = 0; i < VECTORS; i++) u[i] = _mm256_loadu_si256(x + i), v[i] = _mm256_loadu_si256(x + VECTORS + i);
    for (int k = 0; k < CHAINS; k++) s[k] = OPAQUE("x", _mm256_setzero_si256());
    for (size_t n = 0; n < a->n * PEAK_I8_REPEATS / CHAINS; n++)
        for (int k = 0; k < CHAINS; k++)
            for (int i = 0; i < VECTORS; i++) {
                u[i] = OPAQUE("x", u[i]);
                /* Sums that can be seen through are regrouped, and then moved from register to register. */
                s[k] = OPAQUE("x", _mm256_add_epi16(s[k], _mm256_maddubs_epi16(u[i], v[i])));
            }
    for (int k = 1; k < CHAINS; k++) s[0] = _mm256_add_epi16(s[0], s[k]);
    uint16_t lanes[LANES], y = 0;
    _mm256_storeu_si256((__m256i *)lanes, s[0]);
    for (int k = 0; k < LANES; k++) y = (uint16_t)(y + lanes[k]);
    memcpy(a->y, &y, sizeof y);
}

KERNEL(i8_peak, avx2, .needs = CPU_AVX2 | CPU_FMA | CPU_F16C, .exact = true);
