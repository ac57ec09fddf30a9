/* spec_rope.h - the spec of both rope ops, which differ in the pairs that they rotate.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SPEC_ROPE_H
#define HARTREE_SPEC_ROPE_H

#include "kernels/spec_floats.h"

/* a heads, b = n_rot, c elements from a head to the next */
static const struct kernel_case cases[] = {
    {"0x64", 0, 64, 64}, {"1x2", 1, 2, 2},    {"3x6", 3, 6, 7},       {"2x14", 2, 14, 14}, {"1x16", 1, 16, 16},
    {"2x46", 2, 46, 64}, {"5x64", 5, 64, 80}, {"4x100", 4, 100, 101}, {"3x0", 3, 0, 5},    {"32x128", 32, 128, 128},
};

static size_t span(const struct kernel_case *c)
{
    return c->a ? ((c->a - 1) * c->c + c->b) * sizeof(float) : 0;
}

static size_t regions(const struct kernel_case *c, size_t bytes[KERNEL_MAX_REGIONS])
{
    bytes[0] = span(c);
    bytes[1] = c->b * sizeof(float);
    return 2;
}

static void fill(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r, union kernel_args *args)
{
    float *x = r[0].data, *cs = r[1].data;
    vspec_fill(x, span(c) / sizeof(float), &seed);
    for (size_t j = 0; j + 1 < c->b; j += 2) {
        double angle = vspec_normal(&seed) * 10.0;
        cs[j] = (float)cos(angle);
        cs[j + 1] = (float)sin(angle);
    }
    args->rope = (struct rope_args){.x = x, .cs = cs, .heads = c->a, .stride = c->c, .n_rot = c->b};
}

/* Relative to the largest of the inputs' sizes, which a rotation keeps: 1. What is not rotated must be bit-equal. */
static double error(const struct kernel_case *c, const union kernel_args *args, const void *want, const void *got)
{
    (void)args;
    return vspec_max_difference(want, got, span(c) / sizeof(float), 1);
}

static struct kernel_work work(const union kernel_args *args)
{
    const struct rope_args *a = &args->rope;
    double n = (double)a->heads * (double)a->n_rot;
    return (struct kernel_work){.special = 3 * n, .bytes = 8 * n + 4 * (double)a->n_rot};
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

#endif
