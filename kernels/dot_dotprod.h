/* dot_dotprod.h - the products of dot_neon.h with SDOT, where each lane gets the sum of four products.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_DOT_DOTPROD_H
#define HARTREE_DOT_DOTPROD_H

#include "kernels/dot_neon.h"

KERNEL_INLINE int32x4_t neon_dot(int32x4_t acc, int8x16_t w, int8x16_t x)
{
    __asm__ volatile("sdot %0.4s, %1.16b, %2.16b" : "+w"(acc) : "w"(w), "w"(x)); /* in the order written: dot_rise */
    return acc;
}

#endif
