/* i8_peak_i8mm.c - smmla: 32 multiply-adds an instruction, the products of two rows of eight codes with two columns, summed in
 * int32. Both columns hold the same codes (v repeats every 8), so the four sums together are twice the sixteen products of u and
 * v, and half the instructions give what kernel.h asks for. Sixteen chains are enough where four start a cycle and each takes
 * three or four. SPDX-License-Identifier: MIT */
#include <arm_neon.h>

#include "kernels/kernel.h"
#include "kernels/opaque.h"

#include <string.h>

enum { CHAINS = 16, VECTORS = 4 };

static void i8_peak_i8mm(const struct peak_args *a)
{
    const int8_t *x = a->x;
    int8x16_t u[VECTORS], v[VECTORS];
    int32x4_t s[CHAINS];
    for (int i = 0; i < VECTORS; i++) u[i] = vld1q_s8(x + 16 * i), v[i] = vld1q_s8(x + PEAK_I8_CODES + 16 * i);
    for (int k = 0; k < CHAINS; k++) s[k] = OPAQUE("w", vdupq_n_s32(0));
    for (size_t n = 0; n < a->n; n++)
        for (int i = 0; i < VECTORS; i++)
            for (int k = i % 2; k < CHAINS; k += 2) s[k] = OPAQUE("w", vmmlaq_s32(s[k], u[i], v[i]));
    for (int k = 1; k < CHAINS; k++) s[0] = vaddq_s32(s[0], s[k]);
    uint16_t y = (uint16_t)vaddvq_s32(s[0]);
    memcpy(a->y, &y, sizeof y);
}

KERNEL(i8_peak, i8mm, .needs = CPU_NEON | CPU_DOTPROD | CPU_I8MM, .exact = true);
