/* f32_gelu_mul_scalar.c - y = gelu(gate) * up, gelu(x) = x/2 (1 + tanh u) with u = sqrt(2/pi) (x + 0.044715 x^3): the tanh form
 * of Hendrycks and Gimpel (arXiv 1606.08415). (1 + tanh u) / 2 = 1 / (1 + exp(-2u)), which keeps its digits where tanh u is
 * near -1. SPDX-License-Identifier: MIT */
#include "kernels/spec_glu.h"

static void f32_gelu_mul_scalar(const struct glu_args *a)
{
    for (size_t i = 0; i < a->n; i++) {
        float x = a->gate[i];
        a->y[i] = gate_times_sigmoid(x, gelu_exponent(x)) * a->up[i];
    }
}

KERNEL(f32_gelu_mul, scalar, .spec = &spec);
