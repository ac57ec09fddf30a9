/* f32_peak_scalar.c - the reference of the peak kernels: what they compute, not how fast plain C is, which is up to the
 * compiler. Products of small integers are exact, so that a fused multiply-add gives the same bits as a product and a sum.
 * SPDX-License-Identifier: MIT */
#include "kernels/spec_floats.h"

static void f32_peak_scalar(const struct peak_args *a)
{
    const float *x = a->x, u = x[PEAK_F32_CHAINS], v = x[PEAK_F32_CHAINS + 1];
    for (int i = 0; i < PEAK_F32_CHAINS; i++) {
        float s = x[i];
        for (size_t n = 0; n < a->n; n++) s += u * v;
        ((float *)a->y)[i] = s;
    }
}

static const struct kernel_case cases[] = {{"0", 0, 0, 0}, {"1", 1, 0, 0}, {"7", 7, 0, 0}, {"4096", 4096, 0, 0}};

static size_t regions(const struct kernel_case *c, size_t bytes[KERNEL_MAX_REGIONS])
{
    (void)c;
    bytes[0] = PEAK_F32_CHAINS * sizeof(float);
    bytes[1] = bytes[0] + 2 * sizeof(float);
    return 2;
}

static void fill(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r, union kernel_args *args)
{
    float *x = r[1].data;
    vspec_fill(x, PEAK_F32_CHAINS, &seed);
    x[PEAK_F32_CHAINS] = 3;
    x[PEAK_F32_CHAINS + 1] = -5;
    args->peak = (struct peak_args){r[0].data, r[1].data, c->a};
}

static double error(const struct kernel_case *c, const union kernel_args *args, const void *want, const void *got)
{
    (void)c, (void)args;
    return vspec_max_difference(want, got, PEAK_F32_CHAINS, 1e-30);
}

static struct kernel_work work(const union kernel_args *args)
{
    return (struct kernel_work){.flops = 2.0 * PEAK_F32_CHAINS * (double)args->peak.n,
                                .bytes = (2 * PEAK_F32_CHAINS + 2) * sizeof(float)};
}

static const struct kernel_spec spec = {
    .cases = cases,
    .n_cases = sizeof cases / sizeof *cases,
    .regions = regions,
    .fill = fill,
    .error = error,
    .peak = PEAK_F32,
    .work = work,
};

KERNEL(f32_peak, scalar, .spec = &spec);
