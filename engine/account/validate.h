/* validate.h - how good predictions were, once the measurements are there: errors by stratum, coverage of the intervals, and
 * skill against three baselines that anybody could write down.
 *
 * An error is (predicted - measured) / measured. R squared is not among the figures: a straight line reaches 0.94 on a pure
 * parabola. Coefficients must be frozen, and the prediction hashed (predict.h), before any of these points is measured; the
 * baselines are fitted to the calibration points that the model saw, never to those that it is judged by.
 *
 * Works for seconds and for joules alike: a point's figures have one unit, whichever.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_VALIDATE_H
#define HARTREE_VALIDATE_H

#include <stddef.h>

#include "base/json.h"

/* What a point is new in, as against the calibration. */
enum stratum {
    STRATUM_INTERPOLATED, /* a length between those calibrated */
    STRATUM_EXTRAPOLATED, /* a length beyond, up to twice the longest */
    STRATUM_FAR,          /* a length beyond that */
    STRATUM_UNSEEN_QUANT,
    STRATUM_UNSEEN_MODEL,
    STRATUM_UNSEEN_CLAMP,
    STRATUM_FACTORISED, /* layers as matrix product operators */
    STRATUM_COUNT,
    STRATUM_ALL = STRATUM_COUNT
};

extern const char *const stratum_names[STRATUM_COUNT]; /* "interpolated" ... */

/* ---- Baselines ---- */

enum baseline {
    BASELINE_CONSTANT,   /* so much a token */
    BASELINE_LINEAR,     /* a + b tokens */
    BASELINE_FILE_BYTES, /* the file's bytes, each time it is walked through, by one rate */
    BASELINE_COUNT
};

extern const char *const baseline_names[BASELINE_COUNT];

/* A run as a baseline sees it. */
struct baseline_run {
    double tokens;     /* prompt and generated */
    double file_bytes; /* the whole file's, times the steps of the run (micro-batches and decode steps) */
    double measured;   /* s or J; read by baselines_fit alone */
};

/* Coefficients; NAN where they can't be known. A caller who knows the rate of file bytes otherwise (one over a calibrated
 * bandwidth) sets per_byte. */
struct baselines {
    double per_token;
    double intercept, slope; /* of tokens */
    double per_byte;
};

/* Least squares of relative errors over n calibration runs. The line needs two different numbers of tokens. Runs whose measured
 * figure is not a positive number are left out. */
void baselines_fit(struct baselines *b, const struct baseline_run *runs, size_t n);

/* What each baseline says of a run. */
void baselines_predict(const struct baselines *b, const struct baseline_run *run, double predicted[BASELINE_COUNT]);

/* ---- Points ---- */

struct validation_point {
    enum stratum stratum;
    double predicted, measured;      /* measured > 0; a point where either is not known is counted, but judges nothing */
    double interval[2];              /* of the prediction; NAN: none was given */
    double baseline[BASELINE_COUNT]; /* what the baselines said; NAN: not known */
};

/* NAN where nothing can be said, as of no points. */
struct validation {
    size_t n, unknown; /* points judged, and those without a prediction or a measurement */
    double mape;       /* mean of |error| */
    double bias;       /* mean error, with its sign */
    double worst;      /* the error farthest from 0, with its sign */
    size_t with_interval, covered;
    double coverage, coverage95[2]; /* share of intervals that held the measurement, and its Wilson interval */
    double baseline_mape[BASELINE_COUNT];
    double skill[BASELINE_COUNT]; /* 1 - mape / baseline_mape, both over the points that the baseline knows; > 0 is better than
                                     the baseline, 1 perfect */
};

/* Sums up the points of one stratum, or of all. */
void validate(struct validation *v, const struct validation_point *points, size_t n, enum stratum stratum);

/* The same as an object's members, without its braces. */
void validation_json(struct json *j, const struct validation *v);

#endif
