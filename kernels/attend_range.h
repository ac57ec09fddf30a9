/* attend_range.h - what every attention kernel shares: which positions a query sees, and how pieces of a softmax are folded.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ATTEND_RANGE_H
#define HARTREE_ATTEND_RANGE_H

#include <math.h>

#include "kernels/kernel.h"

/* What position i sees: begin <= t < end. Neither falls as i grows. */
static inline size_t attend_end(const struct attend_args *a, size_t i)
{
    return a->end + (a->causal ? i : 0);
}

static inline size_t attend_begin(const struct attend_args *a, size_t i)
{
    size_t end = attend_end(a, i);
    return a->window && end > a->window ? end - a->window : 0;
}

struct attend_state {
    float max, sum;
};

/* Adds a part to the whole; y is sum over t of exp(score[t] - max) v[t]. An empty whole is {-INFINITY, 0} and zeros. */
static inline void attend_fold(float *restrict y, struct attend_state *s, const float *restrict part, struct attend_state p,
                               size_t d)
{
    float max = s->max > p.max ? s->max : p.max, shrink = expf(s->max - max), share = expf(p.max - max);
    *s = (struct attend_state){max, s->sum * shrink + p.sum * share};
    for (size_t j = 0; j < d; j++) y[j] = y[j] * shrink + part[j] * share;
}

static inline void attend_finish(float *y, struct attend_state s, size_t d)
{
    for (size_t j = 0; j < d; j++) y[j] /= s.sum;
}

#endif
