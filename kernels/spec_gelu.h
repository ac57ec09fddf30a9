/* spec_gelu.h - the spec of both activations without a gate.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SPEC_GELU_H
#define HARTREE_SPEC_GELU_H

#include "kernels/sigmoid.h"

/* a elements; b: 1 in place, 2 x holds the edges of float's range first */
static const struct kernel_case cases[] = {
    {"0", 0, 0, 0},      {"1", 1, 1, 0},     {"7", 7, 1, 0},       {"8", 8, 0, 0},       {"9", 9, 0, 0},
    {"edges", 43, 2, 0}, {"100", 100, 0, 0}, {"1023", 1023, 1, 0}, {"5120", 5120, 1, 0},
};

static size_t regions(const struct kernel_case *c, size_t bytes[KERNEL_MAX_REGIONS])
{
    bytes[0] = bytes[1] = c->a * sizeof(float);
    return c->b & 1 ? 1 : 2;
}

static void fill(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r, union kernel_args *args)
{
    float *x = r[c->b & 1 ? 0 : 1].data;
    vspec_fill(x, c->a, &seed);
    for (size_t i = 0; i < c->a; i++) x[i] *= 4;
    if (c->b & 2) memcpy(x, sigmoid_edges, sizeof sigmoid_edges);
    args->vec = (struct vec_args){.y = r[0].data, .x = x, .n = c->a};
}

static struct kernel_work work(const union kernel_args *args)
{
    double n = (double)args->vec.n;
    return (struct kernel_work){.special = 4 * n, .bytes = 8 * n};
}

static const struct kernel_spec spec = {
    .cases = cases,
    .n_cases = sizeof cases / sizeof *cases,
    .regions = regions,
    .fill = fill,
    .error = activation_error,
    .tolerance = 1e-6,
    .work = work,
};

#endif
