/* glu.h - both gated activations over vec.h; they differ in the exponent.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_GLU_H
#define HARTREE_GLU_H

#include <float.h>

#include "kernels/kernel.h"

typedef vf glu_exponent(vf x);

KERNEL_INLINE vf glu_silu(vf x) { return x; }

/* As the scalar row rounds it, without fused operations: at x = -10 an error of one unit here is many in the result. */
KERNEL_INLINE vf glu_gelu(vf x)
{
    const vf c = vf_mul(vf_set1(0.0713548163f), vf_mul(x, x));
    return vf_mul(x, vf_add(vf_set1(1.59576912f), c));
}

/* x / (1 + exp(-z)) * up */
KERNEL_INLINE vf glu_gated(vf x, vf up, glu_exponent *exponent)
{
    const vf e = vf_exp(vf_sub(vf_zero(), exponent(x)));
    x = vf_max(vf_set1(-FLT_MAX), x); /* -infinity over infinity; NaN, the second operand, stays */
    return vf_mul(vf_div(x, vf_add(vf_set1(1.0f), e)), up);
}

KERNEL_INLINE void glu(const struct glu_args *a, glu_exponent *exponent)
{
    const size_t rest = a->n % VF_LANES, whole = a->n - rest;
    for (size_t i = 0; i < whole; i += VF_LANES)
        vf_store(a->y + i, glu_gated(vf_load(a->gate + i), vf_load(a->up + i), exponent));
    if (rest)
        vf_store_n(a->y + whole, glu_gated(vf_load_n(a->gate + whole, rest), vf_load_n(a->up + whole, rest), exponent), rest);
}

#endif
