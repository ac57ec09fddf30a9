/* f32_find_above_scalar.c - the first element above a bound: how a sampler passes over a vocabulary for its best few.
 * SPDX-License-Identifier: MIT */
#include "kernels/spec_floats.h"

static void f32_find_above_scalar(const struct find_args *a)
{
    size_t i = 0;
    while (i < a->n && !(a->x[i] > a->s)) i++;
    *a->y = i;
}

/* a elements; b: which one is above, beyond a for none; c: NaN stands in every third place. */
static const struct kernel_case cases[] = {
    {"0", 0, 0, 0},          {"1", 1, 0, 0},       {"1none", 1, 1, 0},      {"7at6", 7, 6, 1},
    {"33none", 33, 33, 0},   {"33at32", 33, 32, 0}, {"129at64", 129, 64, 1}, {"300at299", 300, 299, 1},
    {"300none", 300, 300, 1}, {"300at0", 300, 0, 0}, {"4096none", 4096, 4096, 0},
};

static size_t regions(const struct kernel_case *c, size_t bytes[KERNEL_MAX_REGIONS])
{
    bytes[0] = sizeof(size_t);
    bytes[1] = c->a * sizeof(float);
    return 2;
}

/* Elements below the bound -1 or equal to it, one above it, and after that one any. */
static void fill(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r, union kernel_args *args)
{
    float *x = r[1].data;
    vspec_fill(x, c->a, &seed);
    for (size_t i = 0; i < c->a; i++) {
        if (i < c->b) x[i] = i % 5 ? -1.5f - fabsf(x[i]) : -1;
        if (i == c->b) x[i] = -0.5f;
        else if (c->c && i % 3 == 0) x[i] = NAN;
    }
    args->find = (struct find_args){.y = r[0].data, .x = x, .s = -1, .n = c->a};
}

static double error(const struct kernel_case *c, const union kernel_args *args, const void *want, const void *got)
{
    (void)c, (void)args;
    return memcmp(want, got, sizeof(size_t)) ? (double)INFINITY : 0;
}

static struct kernel_work work(const union kernel_args *args)
{
    double n = (double)args->find.n;
    return (struct kernel_work){.special = n, .bytes = 4 * n};
}

static const struct kernel_spec spec = {
    .cases = cases,
    .n_cases = sizeof cases / sizeof *cases,
    .align = {sizeof(size_t)},
    .regions = regions,
    .fill = fill,
    .error = error,
    .work = work,
};

KERNEL(f32_find_above, scalar, .exact = true, .spec = &spec);
