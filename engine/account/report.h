/* report.h - predictions, measurements and runs as tables and as JSON. Unknown figures are "-" in a table and null in JSON.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_REPORT_H
#define HARTREE_REPORT_H

#include "engine/account/law.h"
#include "engine/account/measure.h"
#include "engine/meter/meter.h"

void device_json(const struct device *d, FILE *f);

/* Rows are grouped as `by` says (predict.h); the law, or NULL, goes in beside them. False and *e: no memory. */
bool prediction_json(const struct prediction *r, const struct law *law, unsigned by, FILE *f, struct error *e);
bool prediction_print(const struct prediction *r, unsigned by, FILE *f, struct error *e);
bool measurement_json(const struct measurement *m, unsigned by, FILE *f, struct error *e);
bool measurement_print(const struct measurement *m, unsigned by, FILE *f, struct error *e);

/* The law's coefficients, each with the ops that make it up; those of less than 1 % only in the JSON, which is a member "law"
 * of the object that *j is in. (law_report.c) */
void law_print(const struct law *law, FILE *f);
void law_json(const struct law *law, struct json *j);

/* ---- What stands at the end of `run` ---- */

/* Figures that are not known are NAN. Rates are of the decode steps: generated tokens after the first. */
struct run_report {
    size_t prompt_tokens, generated_tokens, decode_steps;
    int threads;
    size_t vision_tokens;                           /* of prompt_tokens, pictures'; run_report_add_pictures fills it in */
    double vision_s, predicted_vision_s;            /* of their tower, before the prompt; NAN: no picture, not known */
    double prefill_s, decode_s;                     /* measured, wall time */
    double sample_s;                                /* of decode_s, sampling: not in the prediction, nor held against it */
    double prefill_tps, decode_tps;                 /* tokens per second of wall time */
    double predicted_prefill_s, predicted_decode_s; /* of these numbers of tokens */
    double decode_bytes_per_s;                      /* weights and cache read, per second */
    double peak_bytes_per_s, share_of_peak;         /* the device's */
    double peak_rss_bytes;
    struct energy
        energy; /* modelled where the device has energy terms, else energy_none; a caller who measured puts that here */
    struct prediction prediction; /* with measured_s where the session was profiled */
};

/* Predicts a prompt of so many tokens after `past` in the cache, and `gen` tokens after it, as far as the context goes: to be
 * called before they run. The device may be NULL. prediction_free releases *r. */
bool run_predict(struct prediction *r, const struct session *s, size_t past, size_t prompt, size_t gen, const struct device *d,
                 struct error *e);

/* What came of it. `before` is run_predict's, or NULL: it stands where as many tokens were generated, and is taken over; where
 * the answer ended earlier, or was not predicted, the same formula prices what ran. run_report_free releases *r. */
bool run_report(struct run_report *r, const struct session *s, size_t past, const struct generate_result *g,
                struct prediction *before, const struct device *d, struct error *e);
/* Adds pictures of the prompt: their tokens, what their tower took and was predicted to take. To modelled joules the tower's
 * are added; where those are not known (NAN), no joules of the whole are. Measured ones are left alone: their meter saw it. */
void run_report_add_pictures(struct run_report *r, size_t tokens, double vision_s, double predicted_s, double predicted_j);
void run_report_free(struct run_report *r);
void run_report_print(const struct run_report *r, FILE *f);

/* The time of every op, added up over layers, beside its prediction, a part for each phase. */
bool run_report_print_profile(const struct run_report *r, FILE *f, struct error *e);

#endif
