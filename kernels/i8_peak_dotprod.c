/* i8_peak_dotprod.c - sdot: sixteen multiply-adds an instruction, summed in int32. Sixteen chains are enough where four start a
 * cycle and each takes three or four. SPDX-License-Identifier: MIT */
#include <arm_neon.h>

#include "kernels/kernel.h"
#include "kernels/opaque.h"

#include <string.h>

enum { CHAINS = 16, VECTORS = 4 };

static void i8_peak_dotprod(const struct peak_args *a)
{
    const int8_t *x = a->x;
    int8x16_t u[VECTORS], v[VECTORS];
    int32x4_t s[CHAINS];
    for (int i = 0; i < VECTORS; i++) u[i] = vld1q_s8(x + 16 * i), v[i] = vld1q_s8(x + PEAK_I8_CODES + 16 * i);
    for (int k = 0; k < CHAINS; k++) s[k] = OPAQUE("w", vdupq_n_s32(0));
    for (size_t n = 0; n < a->n; n++)
        for (int i = 0; i < VECTORS; i++)
            for (int k = 0; k < CHAINS; k++) s[k] = OPAQUE("w", vdotq_s32(s[k], u[i], v[i]));
    for (int k = 1; k < CHAINS; k++) s[0] = vaddq_s32(s[0], s[k]);
    uint16_t y = (uint16_t)vaddvq_s32(s[0]);
    memcpy(a->y, &y, sizeof y);
}

KERNEL(i8_peak, dotprod, .needs = CPU_NEON | CPU_DOTPROD, .exact = true);
