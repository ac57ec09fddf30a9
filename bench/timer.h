/* timer.h - times a function: as many calls a sample as it takes for the clock to be fine enough, several samples, their
 * median. SPDX-License-Identifier: MIT */
#ifndef HARTREE_TIMER_H
#define HARTREE_TIMER_H

#include <stddef.h>

struct timer_options {
    double sample_s; /* a sample lasts at least this long; 0: 10 ms */
    size_t samples;  /* at most TIMER_MAX_SAMPLES; 0: 9 */
};
enum { TIMER_MAX_SAMPLES = 64 };

struct timer_result {
    double median_s, mad_s; /* of one call: the samples' median, and the median of their distances from it */
    double best_s;          /* of one call, the least of the samples */
    size_t calls, samples;  /* calls in each sample, and samples taken */
};

/* Calls fn(context) in a loop: first as warm-up, doubling the calls until they last sample_s, then the samples. `options` may
 * be NULL. */
struct timer_result timer_measure(void (*fn)(void *context), void *context, const struct timer_options *options);

#endif
