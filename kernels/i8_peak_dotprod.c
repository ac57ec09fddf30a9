/* i8_peak_dotprod.c - sdot: sixteen multiply-adds an instruction, summed in int32.
 * SPDX-License-Identifier: MIT */
#include "kernels/i8_peak_chains.h"

KERNEL_INLINE int32x4_t step(int32x4_t s, int8x16_t u, int8x16_t v)
{
    return vdotq_s32(s, u, v);
}

static void i8_peak_dotprod(const struct peak_args *a)
{
    i8_peak_chains(a, 1, step);
}

KERNEL(i8_peak, dotprod, .needs = CPU_NEON | CPU_DOTPROD, .exact = true);
