/* SPDX-License-Identifier: MIT */
#include "kernels/spec_vec.h"

static void f32_scale_scalar(const struct vec_args *a)
{
    for (size_t i = 0; i < a->n; i++) a->y[i] *= a->s;
}

static struct kernel_work work(const union kernel_args *args)
{
    double n = (double)args->vec.n;
    return (struct kernel_work){.special = n, .bytes = 8 * n};
}

static const struct kernel_spec spec = {
    .cases = cases,
    .n_cases = sizeof cases / sizeof *cases,
    .regions = regions,
    .fill = fill,
    .error = error,
    .work = work,
};

KERNEL(f32_scale, scalar, .spec = &spec);
