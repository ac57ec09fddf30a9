/* measure.h - a run as predict.h describes it, timed op by op beside its prediction.
 *
 * The prediction is made and hashed first. Then the run: once with every kernel call counted, which also warms the caches, and
 * must find exactly the FLOPs that were predicted; then `repeats` times with the profile on. Prompt and continuation are fixed
 * pseudo-random ids, so nothing is sampled and every repeat does the same work.
 *
 * With a picture the run begins with its tower, and its tokens come before the text's. The picture is read and resized before;
 * that is neither predicted nor timed.
 *
 * A meter is read over all the repeats together, and their joules are gross: a single run may be too short for it. Joules of an
 * op stay modelled, which no meter can resolve.
 *
 * What is reported is one run, the one whose total is the median (the lower one of two), so that its rows and what they don't
 * cover add up to its total.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_MEASURE_H
#define HARTREE_MEASURE_H

#include "engine/account/predict.h"
#include "engine/meter/meter.h"
#include "engine/session.h"

struct tower;
struct preprocessed;

struct measure_options {
    struct predict_options run;      /* past must be 0; prompt counts text alone, not a picture's tokens */
    struct tower *tower;             /* opened with a profile, of as many threads; borrowed; NULL: no picture */
    const struct preprocessed *picture; /* by the tower's keys, borrowed */
    int repeats;                     /* 1 to 1000 */
    struct meter *meter;             /* borrowed; NULL: no joules */
    const volatile int *interrupted; /* nonzero stops; NULL */
};

struct measurement {
    struct prediction prediction; /* rows with their measured_s */
    double flops_counted;
    int repeats;
    double measured_s, vision_s, prefill_s, decode_s; /* of the median run; vision_s NAN without a picture */
    double fastest_s, slowest_s;
    double unattributed_s; /* measured_s less the rows' sum */
    struct energy energy;  /* of all repeats; energy_none without a meter, or where its readings support none */
    double measured_j;     /* of a run, the mean of the repeats, gross; NAN: not known */
    char unmetered[256];   /* why a meter gave no joules; "" */
};

/* Predicts and measures. False and *e on failure, among them FLOPs counted other than predicted. measurement_free releases *m.
 * The device is borrowed; the model's plan is rebuilt inside, and rows borrow nothing of it. No other session may run
 * meanwhile: its kernel calls would be counted too (kernel_count_begin). */
bool measure(struct measurement *m, const struct model *model, const struct device *d, const struct measure_options *o,
             struct error *e);
void measurement_free(struct measurement *m);

/* Whether what was measured can be: false and *e if a decode op that reads more than the last-level cache holds in a step, or
 * all of them less one cache's worth a step, read at a rate above the device's peak by more than 10 % or five times its noise,
 * whichever is more, but at most 25 %. A byte count or a clock is wrong then, or the profile is not this machine's. Of a
 * profile without a peak for these threads nothing can be said, and true is. For after the result is printed: it is what one
 * needs to find out. */
bool measurement_check(const struct measurement *m, const struct device *d, struct error *e);

/* Takes a profile's times into the rows of a prediction of the same plan. */
void prediction_take_profile(struct prediction *r, const struct profile *p);

/* n ids spread over a vocabulary by a fixed linear congruential sequence (Knuth's MMIX constants), to be freed. NULL: no
 * memory. */
int32_t *fixed_tokens(size_t n, int n_vocab);

#endif
