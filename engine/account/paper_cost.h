/* paper_cost.h - a model on a machine as few numbers: what thousands of drawn runs are priced with.
 *
 * predict prices every step of a run; a study of uncertain inputs asks for thousands of runs. A decode step's time grows
 * linearly with its position (keys and values), and prefill is smooth in the number of tokens, so that a few steps, priced by
 * predict_step, stand for all. The same holds of the joules that the profile's terms of work and bytes add to power times time.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PAPER_COST_H
#define HARTREE_PAPER_COST_H

#include "engine/account/device.h"

#include <stddef.h>

enum { PAPER_COST_LENGTHS = 12 };

/* What steps take of something, seconds or joules. */
struct paper_steps {
    double step, growth;                /* a decode step at position 0, and what each position before it adds */
    double prefill[PAPER_COST_LENGTHS]; /* of 1, 2, 4 ... 2048 tokens */
};

/* Times are at the device's own rates; they and joules are NAN where it lacks a rate or a term. */
struct paper_cost {
    double weight_bytes, streamed_bytes; /* of all tensors; read in one decode step */
    double kv_bytes;                     /* of one position, F16 */
    struct paper_steps s, j;             /* seconds; joules beside power times time (energy_beside_power) */
};

/* Prices a shape (as shape_parse reads it) on as many threads as the device has cores. False and *e if there is no such shape
 * or memory is short. */
bool paper_cost(struct paper_cost *c, const char *shape, const struct device *d, struct error *e);

/* Prefill of n tokens, 1 to 2048, between two lengths by a straight line. */
double paper_prefill(const struct paper_steps *s, double n);

/* m - 1 decode steps after n positions: the first of m tokens comes from the prompt's logits. */
double paper_decode(const struct paper_steps *s, double n, double m);

#endif
