/* f32_expand_scalar.c - two vectors shared out over one by a mask: a gauged core's stored rows and its identity rows.
 * SPDX-License-Identifier: MIT */
#include "kernels/spec_floats.h"

static void f32_expand_scalar(const struct expand_args *a)
{
    const float *x[2] = {a->x[0], a->x[1]};
    for (size_t i = 0; i < a->n; i++) {
        const float next = *x[a->mask[i / 64] >> i % 64 & 1]++;
        a->y[i] = a->add ? a->y[i] + next : next;
    }
}

/* a elements, of which b percent are from x[1]; c: added. */
static const struct kernel_case cases[] = {
    {"0", 0, 50, 0},          {"1", 1, 0, 0},           {"1one", 1, 100, 1},    {"7x50", 7, 50, 0},
    {"8x100", 8, 100, 0},     {"16x0", 16, 0, 1},       {"33x50", 33, 50, 0},   {"64x20", 64, 20, 1},
    {"65x80", 65, 80, 0},     {"144x7", 144, 7, 0},     {"255x97", 255, 97, 1}, {"512x50add", 512, 50, 1},
    {"1000x50", 1000, 50, 0}, {"4096x50", 4096, 50, 0},
};

static bool of_second(const struct kernel_case *c, size_t i)
{
    return random_at(c->a, i) % 100 < c->b;
}

static size_t regions(const struct kernel_case *c, size_t bytes[KERNEL_MAX_REGIONS])
{
    size_t second = 0;
    for (size_t i = 0; i < c->a; i++) second += of_second(c, i);
    bytes[0] = c->a * sizeof(float);
    bytes[1] = (c->a - second) * sizeof(float);
    bytes[2] = second * sizeof(float);
    bytes[3] = (c->a + 63) / 64 * sizeof(uint64_t);
    return 4;
}

static void fill(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r, union kernel_args *args)
{
    uint64_t *mask = r[3].data;
    for (int i = 0; i < 3; i++) vspec_fill(r[i].data, r[i].bytes / sizeof(float), &seed);
    memset(mask, 0xff, r[3].bytes); /* bits beyond the last element say nothing */
    for (size_t i = 0; i < c->a; i++)
        if (!of_second(c, i)) mask[i / 64] &= ~((uint64_t)1 << i % 64);
    args->expand = (struct expand_args){.y = r[0].data, .x = {r[1].data, r[2].data}, .mask = mask, .n = c->a, .add = c->c != 0};
}

static double error(const struct kernel_case *c, const union kernel_args *args, const void *want, const void *got)
{
    (void)args;
    return vspec_max_difference(want, got, c->a, 1);
}

static struct kernel_work work(const union kernel_args *args)
{
    double n = (double)args->expand.n;
    return (struct kernel_work){.special = args->expand.add ? n : 0, .bytes = (args->expand.add ? 12 : 8) * n + n / 8};
}

static const struct kernel_spec spec = {
    .cases = cases,
    .n_cases = sizeof cases / sizeof *cases,
    .align = {[3] = sizeof(uint64_t)},
    .regions = regions,
    .fill = fill,
    .error = error,
    .work = work,
};

KERNEL(f32_expand, scalar, .exact = true, .spec = &spec);
