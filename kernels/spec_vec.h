/* spec_vec.h - the cases and regions that f32_add, f32_scale and f32_softmax share.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SPEC_VEC_H
#define HARTREE_SPEC_VEC_H

#include "kernels/spec_floats.h"

static const struct kernel_case cases[] = {
    {"0", 0, 0, 0}, {"1", 1, 0, 0},   {"7", 7, 0, 0},     {"8", 8, 0, 0},
    {"9", 9, 0, 0}, {"33", 33, 0, 0}, {"255", 255, 0, 0}, {"4096", 4096, 0, 0},
};

static size_t regions(const struct kernel_case *c, size_t bytes[KERNEL_MAX_REGIONS])
{
    bytes[0] = bytes[1] = c->a * sizeof(float);
    return 2;
}

/* y holds numbers too: these ops work in place. */
static void fill(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r, union kernel_args *args)
{
    vspec_fill(r[0].data, c->a, &seed);
    vspec_fill(r[1].data, c->a, &seed);
    args->vec = (struct vec_args){.y = r[0].data, .x = r[1].data, .s = -1.37f, .n = c->a};
}

static double error(const struct kernel_case *c, const union kernel_args *args, const void *want, const void *got)
{
    (void)args;
    return vspec_max_difference(want, got, c->a, 1e-30);
}

#endif
