/* bench_model.h - prefill and decode speed of a whole model, as llama-bench measures them.
 *
 * pp N: N tokens fed in micro-batches. tg N: N single tokens. Before them the context holds `past` tokens (llama-bench's
 * depth), untimed. Ids are fixed pseudo-random ones; a run of each test that isn't counted comes first.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_BENCH_MODEL_H
#define HARTREE_BENCH_MODEL_H

#include "engine/session.h"

enum { BENCH_MODEL_MAX_RUNS = 100 };

struct bench_model_result {
    const char *kind; /* "pp" or "tg" */
    size_t tokens, past;
    int threads;
    int n_runs;
    double tps[BENCH_MODEL_MAX_RUNS]; /* tokens per second of each run */
    double tps_avg, tps_stddev;       /* of the runs; sample deviation, 0 for one run */
};

/* Runs one test `runs` times. False and *e if the context or memory does not suffice, or *interrupted became nonzero. */
bool bench_model(struct bench_model_result *r, const struct model *m, const char *kind, size_t tokens, size_t past, int threads,
                 int runs, enum type kv_type, const volatile int *interrupted, struct error *e);

#endif
