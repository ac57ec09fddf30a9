/* axpy.h - f32_axpy over vec.h: two vectors of outputs stay in registers over all rows, so that y is read and written once.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_AXPY_H
#define HARTREE_AXPY_H

#include "kernels/kernel.h"

KERNEL_INLINE void axpy(const struct axpy_args *a)
{
    const size_t rest = a->n % VF_LANES, whole = a->n - rest;
    size_t i = 0;
    for (; i + 2 * VF_LANES <= whole; i += 2 * VF_LANES) {
        const float *x = a->x + i;
        vf u = vf_load(a->y + i), v = vf_load(a->y + i + VF_LANES);
        for (size_t j = 0; j < a->k; j++, x += a->x_stride) {
            vf s = vf_set1(a->s[j]);
            u = vf_fma(s, vf_load(x), u);
            v = vf_fma(s, vf_load(x + VF_LANES), v);
        }
        vf_store(a->y + i, u);
        vf_store(a->y + i + VF_LANES, v);
    }
    for (; i < whole; i += VF_LANES) {
        vf u = vf_load(a->y + i);
        for (size_t j = 0; j < a->k; j++) u = vf_fma(vf_set1(a->s[j]), vf_load(a->x + j * a->x_stride + i), u);
        vf_store(a->y + i, u);
    }
    if (rest) {
        vf u = vf_load_n(a->y + whole, rest);
        for (size_t j = 0; j < a->k; j++) u = vf_fma(vf_set1(a->s[j]), vf_load_n(a->x + j * a->x_stride + whole, rest), u);
        vf_store_n(a->y + whole, u, rest);
    }
}

#endif
