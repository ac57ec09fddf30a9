/* sample.h - from logits to one token.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SAMPLE_H
#define HARTREE_SAMPLE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Applied in this order: repeat penalty, then (temperature > 0) top-k, top-p, min-p, temperature, draw. The order and each
 * filter are llama.cpp's default chain. */
struct sample_params {
    float temperature;    /* 0: greedy */
    int top_k;            /* 0: all */
    float top_p;          /* 1: off */
    float min_p;          /* 0: off */
    float repeat_penalty; /* 1: off; divides positive and multiplies negative logits of recent tokens */
    int repeat_window;    /* how many tokens back; 64 */
    uint64_t seed;
};
extern const struct sample_params sample_defaults; /* temperature 0.8, top-k 40, top-p 0.95, min-p 0.05, penalty 1 */

enum { SAMPLE_MAX_WINDOW = 1000000 };

struct sampler;
/* NULL and *e: no memory, or a parameter out of range (a temperature or top-k below 0, top-p or min-p outside 0..1, a penalty
 * not above 0, a window outside 0..SAMPLE_MAX_WINDOW). */
struct sampler *sampler_new(const struct sample_params *p, int32_t n_vocab, struct error *e);
void sampler_free(struct sampler *s);
/* Picks from logits[0..n_vocab), which it may change. Ties go to the lower id; the same seed and logits give the same ids on
 * every machine: the generator is splitmix64 and the exponential our own, so no libm takes part. NaN logits are treated as
 * -infinity, +infinity as the largest float; where nothing is left the id is 0. */
int32_t sampler_pick(struct sampler *s, float *logits);
void sampler_accept(struct sampler *s, int32_t id); /* a token entered the context: the repeat window sees it */

#endif
