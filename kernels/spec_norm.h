/* spec_norm.h - the spec of both norms. The file that includes it defines NORM_BIAS, whether there is one, and NORM_SPECIAL,
 * the operations that an element takes. SPDX-License-Identifier: MIT */
#ifndef HARTREE_SPEC_NORM_H
#define HARTREE_SPEC_NORM_H

#include "kernels/spec_floats.h"

/* a rows of b; c adds up GAP (strides longer than a row), IN_PLACE and NO_WEIGHT (and no bias). */
enum { GAP = 1, IN_PLACE = 2, NO_WEIGHT = 4 };

static const struct kernel_case cases[] = {
    {"0x64", 0, 64, 0},
    {"1x1", 1, 1, 0},
    {"1x7", 1, 7, NO_WEIGHT},
    {"1x8", 1, 8, IN_PLACE},
    {"3x33", 3, 33, GAP},
    {"2x257", 2, 257, GAP | IN_PLACE},
    {"5x128", 5, 128, GAP | IN_PLACE | NO_WEIGHT},
    {"4x4096", 4, 4096, 0},
};

static size_t stride(const struct kernel_case *c)
{
    return c->b + (c->c & GAP ? 5 : 0);
}

static size_t span(const struct kernel_case *c)
{
    return c->a ? ((c->a - 1) * stride(c) + c->b) * sizeof(float) : 0;
}

static size_t regions(const struct kernel_case *c, size_t bytes[KERNEL_MAX_REGIONS])
{
    bytes[0] = span(c);
    bytes[1] = c->b * sizeof(float);
    bytes[2] = c->b * sizeof(float);
    bytes[3] = span(c);
    return c->c & IN_PLACE ? 3 : 4;
}

static void fill(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r, union kernel_args *args)
{
    bool in_place = c->c & IN_PLACE;
    float *x = r[in_place ? 0 : 3].data, *w = r[1].data, *b = r[2].data;
    vspec_fill(x, span(c) / sizeof(float), &seed);
    vspec_fill(w, c->b, &seed);
    vspec_fill(b, c->b, &seed);
    args->norm = (struct norm_args){.y = r[0].data,
                                    .x = x,
                                    .y_stride = stride(c),
                                    .x_stride = stride(c),
                                    .w = c->c & NO_WEIGHT ? NULL : w,
                                    .b = NORM_BIAS && !(c->c & NO_WEIGHT) ? b : NULL,
                                    .rows = c->a,
                                    .n = c->b,
                                    .eps = 1e-6f};
}

/* Relative, with a bias to its size; what stands between the rows must be as it was. */
static double error(const struct kernel_case *c, const union kernel_args *args, const void *want, const void *got)
{
    (void)args;
    const float *w = want, *g = got;
    double worst = 0;
    for (size_t i = 0, n = span(c) / sizeof(float); i < n; i++) {
        bool gap = i % stride(c) >= c->b;
        if (gap && memcmp(&w[i], &g[i], sizeof *w)) return (double)INFINITY;
        if (!gap) worst = fmax(worst, vspec_difference(w[i], g[i], NORM_BIAS ? 1 : 1e-30));
    }
    return worst;
}

static struct kernel_work work(const union kernel_args *args)
{
    const struct norm_args *a = &args->norm;
    double n = (double)a->rows * (double)a->n;
    return (struct kernel_work){.special = NORM_SPECIAL * n,
                                .bytes = 4 * (2 * n + (a->w ? (double)a->n : 0) + (a->b ? (double)a->n : 0))};
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
