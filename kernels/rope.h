/* rope.h - both rotations over vec.h; products and sums are rounded apart, as the scalar rows round them.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ROPE_H
#define HARTREE_ROPE_H

#include "kernels/kernel.h"

/* Pairs as they lie: cos and sin are doubled up, and vf_sub_add does both halves of a rotation. */
KERNEL_INLINE vf rope_norm_pairs(vf x, vf cs)
{
    return vf_sub_add(vf_mul(x, vf_even_twice(cs)), vf_mul(vf_swap_pairs(x), vf_odd_twice(cs)));
}

KERNEL_INLINE void rope_norm(const struct rope_args *a)
{
    const size_t n = a->n_rot & ~(size_t)1, rest = n % VF_LANES, whole = n - rest;
    for (size_t h = 0; h < a->heads; h++) {
        float *x = a->x + h * a->stride;
        for (size_t j = 0; j < whole; j += VF_LANES) vf_store(x + j, rope_norm_pairs(vf_load(x + j), vf_load(a->cs + j)));
        if (rest)
            vf_store_n(x + whole, rope_norm_pairs(vf_load_n(x + whole, rest), vf_load_n(a->cs + whole, rest)), rest);
    }
}

/* VF_LANES pairs at a time; the table's (cos, sin) pairs are parted in registers. */
KERNEL_INLINE void rope_neox(const struct rope_args *a)
{
    const size_t half = a->n_rot / 2, rest = half % VF_LANES, whole = half - rest;
    for (size_t h = 0; h < a->heads; h++) {
        float *x = a->x + h * a->stride;
        for (size_t j = 0; j < whole; j += VF_LANES) {
            vf c, s;
            const vf x0 = vf_load(x + j), x1 = vf_load(x + half + j);
            vf_part(vf_load(a->cs + 2 * j), vf_load(a->cs + 2 * j + VF_LANES), &c, &s);
            vf_store(x + j, vf_sub(vf_mul(x0, c), vf_mul(x1, s)));
            vf_store(x + half + j, vf_add(vf_mul(x0, s), vf_mul(x1, c)));
        }
        for (size_t j = whole; j < half; j++) {
            const float c = a->cs[2 * j], s = a->cs[2 * j + 1], x0 = x[j], x1 = x[j + half];
            x[j] = x0 * c - x1 * s;
            x[j + half] = x0 * s + x1 * c;
        }
    }
}

#endif
