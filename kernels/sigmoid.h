/* sigmoid.h - what the scalar rows of the activations share, gated or not, and the inputs that are hardest for them.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SIGMOID_H
#define HARTREE_SIGMOID_H

#include <float.h>

#include "kernels/spec_floats.h"

/* x / (1 + exp(-z)) with the limit 0 at x = z = -infinity, where the formula would be infinity over infinity. */
static inline float gate_times_sigmoid(float x, float z)
{
    if (x < -FLT_MAX) x = -FLT_MAX;
    return x / (1.0f + expf(-z));
}

/* 2 u of the tanh form: 2 sqrt(2/pi), and that times 0.044715 */
static inline float gelu_exponent(float x) { return x * (1.59576912f + 0.0713548163f * (x * x)); }

static const float sigmoid_edges[] = {
    0.0f,   -0.0f, INFINITY, -INFINITY, NAN,   FLT_MAX, -FLT_MAX, FLT_MIN, -FLT_MIN, 88.7f, -88.7f, -88.8f, -90,
    -104,   104,   1e-45f,   1e20f,     -1e20f, -10,    10,       -30,     30,       -60,   -5,     5,      -87};

/* Relative, and absolute below 1e-30: there exp is near its largest, and where it overflows is not the ops' business. */
static inline double activation_error(const struct kernel_case *c, const union kernel_args *args, const void *want,
                                      const void *got)
{
    (void)args;
    return vspec_max_difference(want, got, c->a, 1e-30);
}

#endif
