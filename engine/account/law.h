/* law.h - a run's time in closed form,
 *
 *     T(n, m) = a0 + a1 n + a2 n^2 + b0 m + b1 (m n + m (m + 1) / 2)
 *
 * of n prompt tokens and m decode steps after them (m + 1 tokens generated: the first comes from the prompt's logits). The
 * first three terms are the prefill's, the last two the decode's: b0 + b1 t is the price of a step that sees t positions.
 *
 * predict.h's price of an op is exactly of this form where it is bound by arithmetic or by memory throughout. Micro-batches
 * (weights read ceil(n / ubatch) times, unpacked once for each block of columns), caches that hold or don't, chunks that don't
 * divide among threads, and sliding windows bend it. So the coefficients are taken from the exact prediction: each op's time is
 * priced at lengths over the range asked for and projected on the form by least squares of relative errors. Projection is
 * linear, so a coefficient is the sum of what the single ops give it, and none is lost; `residual` says how far the form is
 * from the prediction at any of the lengths.
 *
 * Source: spec of the closed form, and of its terms: Kaplan et al. 2020, appendix B (FLOPs); predict.h (time).
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_LAW_H
#define HARTREE_LAW_H

#include "engine/account/predict.h"

enum law_coefficient { LAW_T0, LAW_A1, LAW_A2, LAW_B0, LAW_B1, LAW_COUNT };
extern const char *const law_names[LAW_COUNT];  /* "a0" ... */
extern const char *const law_units[LAW_COUNT]; /* "s", "s/token" ... */

/* Ops of one role, weight type and window in one phase: what they add to the coefficients. Only the phase's own differ from 0.
 * */
struct law_term {
    const char *op;         /* the role; "stages": dispatch and barriers of all */
    const char *type;       /* of the weight, else of the cache, else F32; NULL: stages */
    enum phase phase;
    int window;             /* positions that attention sees at most; 0: all */
    int ops;                /* how many */
    char layers[48];        /* "0-4,6-10,...", "" outside the layers */
    char rate[DEVICE_KEY];  /* the device's key that prices the arithmetic: "linear.q6_K.prefill.2" */
    double rate_value;
    double seconds[LAW_COUNT];
    double flops[LAW_COUNT]; /* the same projection of FLOPs (0 of vector ops, whose rate is bytes moved) */
    double bytes[LAW_COUNT]; /* and of bytes of weights and cache that cross from memory, if nothing stays in a cache */
};

struct law_range {
    size_t prompt_min, prompt_max; /* of prompt tokens; three lengths at least */
    size_t gen;                    /* tokens generated at most, at least 1 */
};

struct law {
    struct law_range range;
    double seconds[LAW_COUNT]; /* the sums of the terms' */
    double residual_prefill, residual_decode; /* the greatest relative difference at the lengths that were priced */
    double bandwidth;                         /* B/s that bytes are priced at: the device's, at all threads */
    struct law_term *terms;
    size_t n_terms;
};

/* The law of a plan over a range. `o` gives threads, micro-batch and cache; its lengths are not read. False and *e if the range
 * is too short, the device lacks a rate, or memory is short. law_free releases the terms. */
bool law_predict(struct law *law, const struct plan *p, const struct device *d, const struct predict_options *o,
                 const struct law_range *range, struct error *e);
void law_free(struct law *law);

/* The form itself: seconds of n prompt tokens and m decode steps. */
double law_prefill(const double c[LAW_COUNT], double n);
double law_decode(const double c[LAW_COUNT], double n, double m);

#endif
