/* SPDX-License-Identifier: MIT */
#include "engine/account/peak.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"

#define SAMPLE_S 0.003
enum { SAMPLES = 8 };

struct peak_run {
    const struct kernel *row;
    size_t n;
};

static void run(void *ctx, int thread)
{
    const struct peak_run *r = ctx;
    float x[PEAK_F32_CHAINS + 2] = {0}, y[PEAK_F32_CHAINS]; /* room for either kind; zeros are as fast as any number */
    union kernel_args args = {.peak = {y, x, r->n}};
    (void)thread;
    kernel_call(r->row, &args);
}

static double seconds(struct peak_run *r, struct pool *pool)
{
    double start = clock_now();
    pool_run(pool, run, r);
    return clock_now() - start;
}

double peak_rate(enum kernel_peak kind, struct pool *pool)
{
    const char *op = kernel_peak_op(kind);
    struct peak_run r = {op ? kernel_bound(op) : NULL, 1024};
    if (!r.row || !strcmp(r.row->isa, "scalar")) return NAN;
    while (seconds(&r, pool) < SAMPLE_S) r.n *= 2;
    double best = INFINITY;
    for (int i = 0; i < SAMPLES; i++) best = fmin(best, seconds(&r, pool));
    union kernel_args args = {.peak = {.n = r.n}};
    return kernel_reference(op)->spec->work(&args).flops * pool_threads(pool) / best;
}
