/* spec_glu.h - the spec of both gated activations.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SPEC_GLU_H
#define HARTREE_SPEC_GLU_H

#include "kernels/sigmoid.h"

/* a elements; b: 1 y is the gate, 2 y is up, 4 the gate holds the edges of float's range first */
static const struct kernel_case cases[] = {
    {"0", 0, 0, 0},      {"1", 1, 0, 0},     {"7", 7, 1, 0},       {"8", 8, 2, 0},       {"9", 9, 0, 0},
    {"edges", 43, 4, 0}, {"100", 100, 1, 0}, {"1023", 1023, 2, 0}, {"8960", 8960, 0, 0},
};

static size_t regions(const struct kernel_case *c, size_t bytes[KERNEL_MAX_REGIONS])
{
    for (size_t i = 0; i < 3; i++) bytes[i] = c->a * sizeof(float);
    return c->b & 3 ? 2 : 3;
}

static void fill(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r, union kernel_args *args)
{
    float *gate = r[c->b & 1 ? 0 : 1].data, *up = r[c->b & 1 ? 1 : c->b & 2 ? 0 : 2].data;
    vspec_fill(gate, c->a, &seed);
    vspec_fill(up, c->a, &seed);
    for (size_t i = 0; i < c->a; i++) gate[i] *= 4;
    if (c->b & 4) memcpy(gate, sigmoid_edges, sizeof sigmoid_edges);
    args->glu = (struct glu_args){.y = r[0].data, .gate = gate, .up = up, .n = c->a};
}

static struct kernel_work work(const union kernel_args *args)
{
    double n = (double)args->glu.n;
    return (struct kernel_work){.special = 5 * n, .bytes = 12 * n};
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
