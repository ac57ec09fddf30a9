/* layer_norm.h - f32_layer_norm over vec.h: the mean, then the squares of what is left of it, both summed in double; the rest
 * is rounded as the scalar row rounds it. SPDX-License-Identifier: MIT */
#ifndef HARTREE_LAYER_NORM_H
#define HARTREE_LAYER_NORM_H

#include <math.h>

#include "kernels/kernel.h"

KERNEL_INLINE void layer_norm(const struct norm_args *a)
{
    const size_t n = a->n, rest = n % VF_LANES, whole = n - rest;
    for (size_t r = 0; r < a->rows; r++) {
        const float *x = a->x + r * a->x_stride;
        float *y = a->y + r * a->y_stride;
        vd sum = vd_zero(), squares = vd_zero();
        for (size_t i = 0; i < whole; i += VF_LANES) sum = vd_add_floats(sum, vf_load(x + i));
        if (rest) sum = vd_add_floats(sum, vf_load_n(x + whole, rest));
        const vf mean = vf_set1((float)(vd_sum(sum) / (double)n));
        for (size_t i = 0; i < whole; i += VF_LANES) squares = vd_add_squares(squares, vf_sub(vf_load(x + i), mean));
        if (rest) squares = vd_add_squares(squares, vf_keep_n(vf_sub(vf_load_n(x + whole, rest), mean), rest));
        const vf scale = vf_set1((float)(1 / sqrt(vd_sum(squares) / (double)n + (double)a->eps)));
        for (size_t i = 0; i < whole; i += VF_LANES) {
            vf v = vf_mul(vf_sub(vf_load(x + i), mean), scale);
            if (a->w) v = vf_mul(v, vf_load(a->w + i));
            if (a->b) v = vf_add(v, vf_load(a->b + i));
            vf_store(y + i, v);
        }
        if (rest) {
            vf v = vf_mul(vf_sub(vf_load_n(x + whole, rest), mean), scale);
            if (a->w) v = vf_mul(v, vf_load_n(a->w + whole, rest));
            if (a->b) v = vf_add(v, vf_load_n(a->b + whole, rest));
            vf_store_n(y + whole, v, rest);
        }
    }
}

#endif
