/* elementwise.h - f32_add and f32_scale over vec.h.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ELEMENTWISE_H
#define HARTREE_ELEMENTWISE_H

#include "kernels/kernel.h"

KERNEL_INLINE void add(const struct vec_args *a)
{
    const size_t rest = a->n % VF_LANES, whole = a->n - rest;
    for (size_t i = 0; i < whole; i += VF_LANES) vf_store(a->y + i, vf_add(vf_load(a->y + i), vf_load(a->x + i)));
    if (rest) vf_store_n(a->y + whole, vf_add(vf_load_n(a->y + whole, rest), vf_load_n(a->x + whole, rest)), rest);
}

KERNEL_INLINE void scale(const struct vec_args *a)
{
    const size_t rest = a->n % VF_LANES, whole = a->n - rest;
    const vf s = vf_set1(a->s);
    for (size_t i = 0; i < whole; i += VF_LANES) vf_store(a->y + i, vf_mul(vf_load(a->y + i), s));
    if (rest) vf_store_n(a->y + whole, vf_mul(vf_load_n(a->y + whole, rest), s), rest);
}

#endif
