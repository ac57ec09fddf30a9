/* SPDX-License-Identifier: MIT */
#include "bench/timer.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/median.h"

static double calls_s(void (*fn)(void *), void *context, size_t calls)
{
    double start = clock_now();
    for (size_t i = 0; i < calls; i++) fn(context);
    return clock_now() - start;
}

struct timer_result timer_measure(void (*fn)(void *context), void *context, const struct timer_options *options)
{
    double sample_s = options && options->sample_s > 0 ? options->sample_s : 0.010, v[TIMER_MAX_SAMPLES];
    size_t n = options && options->samples ? options->samples : 9, calls = 1;
    if (n > TIMER_MAX_SAMPLES) n = TIMER_MAX_SAMPLES;
    while (calls_s(fn, context, calls) < sample_s) calls *= 2;

    for (size_t i = 0; i < n; i++) v[i] = calls_s(fn, context, calls) / (double)calls;
    struct timer_result r = {.median_s = median(v, n), .calls = calls, .samples = n};
    r.best_s = v[0]; /* median sorts */
    for (size_t i = 0; i < n; i++) v[i] = fabs(v[i] - r.median_s);
    r.mad_s = median(v, n);
    return r;
}
