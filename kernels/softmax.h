/* softmax.h - f32_softmax over vec.h: a pass for the maximum, one for exp and its sum, one for the division. The sum runs in
 * doubles, since a vocabulary is a quarter of a million terms.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SOFTMAX_H
#define HARTREE_SOFTMAX_H

#include <math.h>

#include "kernels/kernel.h"

KERNEL_INLINE void softmax(const struct vec_args *a)
{
    const size_t rest = a->n % VF_LANES, whole = a->n - rest;
    const vf s = vf_set1(a->s);
    float *y = a->y;
    vf top = vf_set1(-INFINITY);
    for (size_t i = 0; i < whole; i += VF_LANES) top = vf_max(vf_mul(vf_load(y + i), s), top);
    float max = vf_max_of(top);
    for (size_t i = whole; i < a->n; i++) max = fmaxf(max, y[i] * a->s);

    top = vf_set1(max);
    vd sum = vd_zero();
    for (size_t i = 0; i < whole; i += VF_LANES) {
        const vf e = vf_exp(vf_sub(vf_mul(vf_load(y + i), s), top));
        vf_store(y + i, e);
        sum = vd_add_floats(sum, e);
    }
    if (rest) {
        const vf e = vf_keep_n(vf_exp(vf_sub(vf_mul(vf_load_n(y + whole, rest), s), top)), rest);
        vf_store_n(y + whole, e, rest);
        sum = vd_add_floats(sum, e);
    }

    const float inverse = (float)(1 / vd_sum(sum));
    const vf scale = vf_set1(inverse);
    for (size_t i = 0; i < whole; i += VF_LANES) vf_store(y + i, vf_mul(vf_load(y + i), scale));
    for (size_t i = whole; i < a->n; i++) y[i] *= inverse;
}

#endif
