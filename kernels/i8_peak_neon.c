/* i8_peak_neon.c - smlal and smlal2: eight multiply-adds an instruction, summed in int16, the most that NEON has without the
 * dot products.
 *
 * Sums in int16 overflow soon. A kernel widens them with sadalp: with codes of 8 bits after two products a lane (3 instructions
 * for 16: 67 % of this), with codes below 16 after sixteen (94 %).
 * SPDX-License-Identifier: MIT */
#include <arm_neon.h>

#include "kernels/kernel.h"
#include "kernels/opaque.h"

#include <string.h>

enum { CHAINS = 16, VECTORS = 4 };

static void i8_peak_neon(const struct peak_args *a)
{
    const int8_t *x = a->x;
    int8x16_t u[VECTORS], v[VECTORS];
    int16x8_t s[CHAINS];
    for (int i = 0; i < VECTORS; i++) u[i] = vld1q_s8(x + 16 * i), v[i] = vld1q_s8(x + PEAK_I8_CODES + 16 * i);
    for (int k = 0; k < CHAINS; k++) s[k] = OPAQUE("w", vdupq_n_s16(0));
    for (size_t n = 0; n < a->n; n++)
        for (int i = 0; i < VECTORS; i++) {
            for (int k = 0; k < CHAINS; k++) s[k] = OPAQUE("w", vmlal_s8(s[k], vget_low_s8(u[i]), vget_low_s8(v[i])));
            for (int k = 0; k < CHAINS; k++) s[k] = OPAQUE("w", vmlal_high_s8(s[k], u[i], v[i]));
        }
    for (int k = 1; k < CHAINS; k++) s[0] = vaddq_s16(s[0], s[k]);
    uint16_t y = (uint16_t)vaddvq_s16(s[0]);
    memcpy(a->y, &y, sizeof y);
}

KERNEL(i8_peak, neon, .needs = CPU_NEON, .exact = true);
