/* convert.h - between floats and 16-bit formats over vec.h.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_CONVERT_H
#define HARTREE_CONVERT_H

#include "kernels/kernel.h"

typedef vf convert_load(const void *p);
typedef vf convert_load_n(const void *p, size_t n);

KERNEL_INLINE void convert_from_16(const struct dequant_args *a, convert_load *load, convert_load_n *load_n)
{
    const size_t rest = a->n % VF_LANES, whole = a->n - rest;
    const char *x = a->x;
    for (size_t i = 0; i < whole; i += VF_LANES) vf_store(a->y + i, load(x + 2 * i));
    if (rest) vf_store_n(a->y + whole, load_n(x + 2 * whole, rest), rest);
}

KERNEL_INLINE void convert_to_f16(const struct quant_args *a)
{
    const size_t rest = a->n % VF_LANES, whole = a->n - rest;
    char *y = a->y;
    for (size_t i = 0; i < whole; i += VF_LANES) vf_store_f16(y + 2 * i, vf_load(a->x + i));
    if (rest) vf_store_f16_n(y + 2 * whole, vf_load_n(a->x + whole, rest), rest);
}

#endif
