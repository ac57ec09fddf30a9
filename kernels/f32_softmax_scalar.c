/* f32_softmax_scalar.c - y = exp(s y - max) / sum, in place; the sum in double, since a vocabulary is a quarter of a million
 * terms. An element of -infinity gets 0, as long as there is another. SPDX-License-Identifier: MIT */
#include "kernels/spec_vec.h"

static void f32_softmax_scalar(const struct vec_args *a)
{
    float max = -INFINITY;
    for (size_t i = 0; i < a->n; i++) max = fmaxf(max, a->y[i] * a->s);
    double sum = 0;
    for (size_t i = 0; i < a->n; i++) sum += a->y[i] = expf(a->y[i] * a->s - max);
    float inverse = (float)(1 / sum);
    for (size_t i = 0; i < a->n; i++) a->y[i] *= inverse;
}

static struct kernel_work work(const union kernel_args *args)
{
    double n = (double)args->vec.n;
    return (struct kernel_work){.special = 5 * n, .bytes = 8 * n};
}

static const struct kernel_spec spec = {
    .cases = cases,
    .n_cases = sizeof cases / sizeof *cases,
    .regions = regions,
    .fill = fill,
    .error = error,
    .tolerance = 1e-6,
    .work = work,
};

KERNEL(f32_softmax, scalar, .spec = &spec);
