/* rms_norm.h - f32_rms_norm over vec.h. Two sums of doubles hide the additions' latency; the products are the scalar row's, in
 * its order.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_RMS_NORM_H
#define HARTREE_RMS_NORM_H

#include <math.h>

#include "kernels/kernel.h"

KERNEL_INLINE vf rms_norm_scaled(vf x, vf scale, const float *w, size_t n)
{
    x = vf_mul(x, scale);
    return w ? vf_mul(x, n == VF_LANES ? vf_load(w) : vf_load_n(w, n)) : x;
}

KERNEL_INLINE void rms_norm(const struct norm_args *a)
{
    const size_t n = a->n, rest = n % VF_LANES, whole = n - rest;
    for (size_t r = 0; r < a->rows; r++) {
        const float *x = a->x + r * a->x_stride;
        float *y = a->y + r * a->y_stride;
        vd even = vd_zero(), odd = vd_zero();
        size_t i = 0;
        for (; i + 2 * VF_LANES <= n; i += 2 * VF_LANES) {
            even = vd_add_squares(even, vf_load(x + i));
            odd = vd_add_squares(odd, vf_load(x + i + VF_LANES));
        }
        if (i < whole) even = vd_add_squares(even, vf_load(x + i));
        if (rest) odd = vd_add_squares(odd, vf_load_n(x + whole, rest));
        const double sum = vd_sum(vd_add(even, odd));

        const vf scale = vf_set1((float)(1 / sqrt(sum / (double)n + (double)a->eps)));
        for (i = 0; i < whole; i += VF_LANES)
            vf_store(y + i, rms_norm_scaled(vf_load(x + i), scale, a->w ? a->w + i : NULL, VF_LANES));
        if (rest) vf_store_n(y + i, rms_norm_scaled(vf_load_n(x + i, rest), scale, a->w ? a->w + i : NULL, rest), rest);
    }
}

#endif
