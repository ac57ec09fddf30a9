/* expand.h - the loop of f32_expand over vec.h, for machines that load as many floats as a mask asks for and touch no others.
 * Bits of the mask are read by bytes: little-endian.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_EXPAND_H
#define HARTREE_EXPAND_H

#include "kernels/kernel.h"

/* The next n outputs, VF_LANES at most: those whose bit is set in `second` from z on, the others from x on. */
typedef vf expand_lanes(const float *x, const float *z, unsigned second, size_t n);

KERNEL_INLINE unsigned expand_bits(const uint64_t *mask, size_t i, size_t n)
{
    uint16_t bits = 0;
    memcpy(&bits, (const char *)mask + i / 8, VF_LANES / 8);
    return bits & ((1u << n) - 1);
}

KERNEL_INLINE void expand_all(const struct expand_args *a, expand_lanes *lanes, const bool add)
{
    float *y = a->y;
    const float *x = a->x[0], *z = a->x[1];
    const uint64_t *mask = a->mask;
    const size_t rest = a->n % VF_LANES, whole = a->n - rest;
    for (size_t i = 0; i < whole; i += VF_LANES) {
        const unsigned second = expand_bits(mask, i, VF_LANES), n_second = (unsigned)__builtin_popcount(second);
        const vf v = lanes(x, z, second, VF_LANES);
        vf_store(y + i, add ? vf_add(vf_load(y + i), v) : v);
        x += VF_LANES - n_second;
        z += n_second;
    }
    if (rest) {
        const vf v = lanes(x, z, expand_bits(mask, whole, rest), rest);
        vf_store_n(y + whole, add ? vf_add(vf_load_n(y + whole, rest), v) : v, rest);
    }
}

KERNEL_INLINE void expand(const struct expand_args *a, expand_lanes *lanes)
{
    if (a->add)
        expand_all(a, lanes, true);
    else
        expand_all(a, lanes, false);
}

#endif
