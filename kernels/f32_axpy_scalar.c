/* f32_axpy_scalar.c - rows times factors, added up: the product with a matrix whose rows lie along the outputs.
 * SPDX-License-Identifier: MIT */
#include "kernels/spec_floats.h"

static void f32_axpy_scalar(const struct axpy_args *a)
{
    for (size_t j = 0; j < a->k; j++)
        for (size_t i = 0; i < a->n; i++) a->y[i] += a->s[j] * a->x[j * a->x_stride + i];
}

/* a elements, b rows, c elements between rows */
static const struct kernel_case cases[] = {
    {"0x1", 0, 1, 0},   {"5x0", 5, 0, 2},   {"1x1", 1, 1, 0},       {"7x3", 7, 3, 1},       {"8x4", 8, 4, 0},
    {"33x5", 33, 5, 3}, {"64x9", 64, 9, 0}, {"255x16", 255, 16, 1}, {"1000x2", 1000, 2, 8}, {"2048x16", 2048, 16, 0},
};

static size_t regions(const struct kernel_case *c, size_t bytes[KERNEL_MAX_REGIONS])
{
    bytes[0] = c->a * sizeof(float);
    bytes[1] = c->b ? ((c->b - 1) * (c->a + c->c) + c->a) * sizeof(float) : 0;
    bytes[2] = c->b * sizeof(float);
    return 3;
}

static void fill(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r, union kernel_args *args)
{
    for (int i = 0; i < 3; i++) vspec_fill(r[i].data, r[i].bytes / sizeof(float), &seed);
    args->axpy =
        (struct axpy_args){.y = r[0].data, .x = r[1].data, .x_stride = c->a + c->c, .s = r[2].data, .k = c->b, .n = c->a};
}

/* Against the size of the terms, which is about one: a sum may cancel. */
static double error(const struct kernel_case *c, const union kernel_args *args, const void *want, const void *got)
{
    (void)args;
    return vspec_max_difference(want, got, c->a, 1);
}

static struct kernel_work work(const union kernel_args *args)
{
    double k = (double)args->axpy.k, n = (double)args->axpy.n;
    return (struct kernel_work){.flops = 2 * k * n, .bytes = 4 * (k * n + k + 2 * n)};
}

static const struct kernel_spec spec = {
    .cases = cases,
    .n_cases = sizeof cases / sizeof *cases,
    .regions = regions,
    .fill = fill,
    .error = error,
    .tolerance = 1e-5,
    .peak = PEAK_F32,
    .work = work,
};

KERNEL(f32_axpy, scalar, .spec = &spec);
