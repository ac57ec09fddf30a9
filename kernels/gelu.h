/* gelu.h - both activations without a gate over vec.h: they differ in the exponent.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_GELU_H
#define HARTREE_GELU_H

#include "kernels/glu.h"

KERNEL_INLINE vf gelu_quick(vf x)
{
    return vf_mul(vf_set1(1.702f), x);
}

/* x / (1 + exp(-z)) */
KERNEL_INLINE vf gelu_of(vf x, glu_exponent *exponent)
{
    const vf e = vf_exp(vf_sub(vf_zero(), exponent(x)));
    return vf_div(vf_max(vf_set1(-FLT_MAX), x), vf_add(vf_set1(1.0f), e)); /* -infinity over infinity; NaN stays */
}

KERNEL_INLINE void gelu(const struct vec_args *a, glu_exponent *exponent)
{
    const size_t rest = a->n % VF_LANES, whole = a->n - rest;
    for (size_t i = 0; i < whole; i += VF_LANES) vf_store(a->y + i, gelu_of(vf_load(a->x + i), exponent));
    if (rest) vf_store_n(a->y + whole, gelu_of(vf_load_n(a->x + whole, rest), exponent), rest);
}

#endif
