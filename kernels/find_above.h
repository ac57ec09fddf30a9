/* find_above.h - f32_find_above over vec.h: the maximum of eight vectors is held against s; only where it is above is one
 * looked at closer. A maximum starts at s and takes a NaN's place, since vf_max gives its second operand then, so a NaN hides
 * nothing.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_FIND_ABOVE_H
#define HARTREE_FIND_ABOVE_H

#include "kernels/kernel.h"

KERNEL_INLINE size_t find_above(const float *x, float s, size_t n)
{
    enum { BLOCK = 8 * VF_LANES };
    const vf least = vf_set1(s);
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        vf most[4];
        for (int k = 0; k < 4; k++) {
            most[k] = vf_max(vf_load(x + i + k * VF_LANES), least);
            most[k] = vf_max(vf_load(x + i + (k + 4) * VF_LANES), most[k]);
        }
        if (vf_any_greater(vf_max(vf_max(most[0], most[1]), vf_max(most[2], most[3])), least)) break;
    }
    for (; i < n; i += VF_LANES) {
        const size_t left = n - i;
        unsigned bits = vf_greater_bits(left < VF_LANES ? vf_load_n(x + i, left) : vf_load(x + i), least);
        if (left < VF_LANES) bits &= (1u << left) - 1;
        if (bits) return i + (size_t)__builtin_ctz(bits);
    }
    return n;
}

#endif
