/* The arithmetic is that by which a kernel folds its own pieces, to the bit; a variant that has other bits breaks the promise
 * that sharing out a range changes nothing.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "kernels/attend_range.h"
#include "kernels/spec_floats.h"

static void f32_attend_merge_scalar(const struct merge_args *a)
{
    for (size_t i = 0; i < a->n_q; i++) {
        float *y = a->y + i * a->d;
        struct attend_state s = {-INFINITY, 0};
        memset(y, 0, a->d * sizeof *y);
        for (size_t p = 0; p < a->n_parts; p++) {
            size_t at = p * a->n_q + i;
            attend_fold(y, &s, a->part + at * a->d, (struct attend_state){a->state[2 * at], a->state[2 * at + 1]}, a->d);
        }
        attend_finish(y, s, a->d);
    }
}

/* a parts, b vectors, c elements */
static const struct kernel_case cases[] = {
    {"1x1x1", 1, 1, 1}, {"2x3x7", 2, 3, 7}, {"5x7x64", 5, 7, 64}, {"16x4x256", 16, 4, 256},
};

static size_t regions(const struct kernel_case *c, size_t bytes[KERNEL_MAX_REGIONS])
{
    bytes[0] = c->b * c->c * sizeof(float);
    bytes[1] = c->a * bytes[0];
    bytes[2] = c->a * c->b * 2 * sizeof(float);
    return 3;
}

static void fill(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r, union kernel_args *args)
{
    float *state = r[2].data;
    vspec_fill(r[1].data, c->a * c->b * c->c, &seed);
    vspec_fill(state, c->a * c->b * 2, &seed);
    for (size_t i = 0; i < c->a * c->b; i++) state[2 * i + 1] = 1 + fabsf(state[2 * i + 1]); /* a sum holds exp(0) */
    args->merge = (struct merge_args){r[0].data, r[1].data, r[2].data, c->a, c->b, c->c};
}

static double error(const struct kernel_case *c, const union kernel_args *args, const void *want, const void *got)
{
    (void)args;
    return vspec_max_difference(want, got, c->b * c->c, 1);
}

/* Arithmetic that only the sharing out of a range brings, so none of the model's. */
static struct kernel_work work(const union kernel_args *args)
{
    const struct merge_args *a = &args->merge;
    return (struct kernel_work){.bytes = 4 * (double)a->n_q * ((double)a->d + (double)a->n_parts * (double)(a->d + 2))};
}

static const struct kernel_spec spec = {
    .cases = cases, .n_cases = sizeof cases / sizeof *cases, .regions = regions, .fill = fill, .error = error, .tolerance = 0,
    .work = work,
};

KERNEL(f32_attend_merge, scalar, .spec = &spec);
