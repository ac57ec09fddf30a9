/* i8_peak_scalar.c - the reference of the peak kernels: what they compute, not how fast plain C is, which is up to the
 * compiler.
 * SPDX-License-Identifier: MIT */
#include "kernels/kernel.h"
#include "base/random.h"

#include <string.h>

static void i8_peak_scalar(const struct peak_args *a)
{
    const uint8_t *u = a->x;
    const int8_t *v = (const int8_t *)u + PEAK_I8_CODES;
    uint32_t sum = 0;
    for (size_t n = 0; n < a->n * PEAK_I8_REPEATS; n++)
        for (int i = 0; i < PEAK_I8_CODES; i++) sum += (uint32_t)(u[i] * v[i]);
    uint16_t y = (uint16_t)sum;
    memcpy(a->y, &y, sizeof y);
}

static const struct kernel_case cases[] = {{"0", 0, 0, 0}, {"1", 1, 0, 0}, {"7", 7, 0, 0}, {"4096", 4096, 0, 0}};

static size_t regions(const struct kernel_case *c, size_t bytes[KERNEL_MAX_REGIONS])
{
    (void)c;
    bytes[0] = sizeof(uint16_t);
    bytes[1] = 2 * PEAK_I8_CODES;
    return 2;
}

static void fill(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r, union kernel_args *args)
{
    uint8_t *u = r[1].data, *v = u + PEAK_I8_CODES;
    for (int i = 0; i < PEAK_I8_CODES; i++) {
        u[i] = random_next(&seed) & 63;
        v[i] = i < 8 ? (uint8_t)(random_next(&seed) % 255 - 127) : v[i - 8];
    }
    args->peak = (struct peak_args){r[0].data, r[1].data, c->a};
}

static double error(const struct kernel_case *c, const union kernel_args *args, const void *want, const void *got)
{
    (void)c, (void)args;
    return memcmp(want, got, sizeof(uint16_t)) != 0;
}

static struct kernel_work work(const union kernel_args *args)
{
    return (struct kernel_work){.flops = 2.0 * PEAK_I8_REPEATS * PEAK_I8_CODES * (double)args->peak.n,
                                .bytes = 2 * PEAK_I8_CODES + sizeof(uint16_t)};
}

static const struct kernel_spec spec = {
    .cases = cases,
    .n_cases = sizeof cases / sizeof *cases,
    .align = {1, 1},
    .regions = regions,
    .fill = fill,
    .error = error,
    .peak = PEAK_I8,
    .work = work,
};

KERNEL(i8_peak, scalar, .spec = &spec);
