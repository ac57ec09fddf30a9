/* i8_peak_i8mm.c - smmla: 32 multiply-adds an instruction, the products of two rows of eight codes with two columns, summed in
 * int32. Both columns hold the same codes (v repeats every 8), so the four sums together are twice the sixteen products of u
 * and v, and half the instructions give what kernel.h asks for.
 * SPDX-License-Identifier: MIT */
#include "kernels/i8_peak_chains.h"

KERNEL_INLINE int32x4_t step(int32x4_t s, int8x16_t u, int8x16_t v)
{
    return vmmlaq_s32(s, u, v);
}

static void i8_peak_i8mm(const struct peak_args *a)
{
    i8_peak_chains(a, 2, step);
}

KERNEL(i8_peak, i8mm, .needs = CPU_NEON | CPU_DOTPROD | CPU_I8MM, .exact = true);
