/* SPDX-License-Identifier: MIT */
#include "engine/profile.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

struct profile *profile_new(const struct plan *p, int threads, struct error *e)
{
    struct profile *r = calloc(1, sizeof *r);
    if (r) {
        r->n_ops = p->n_ops;
        r->threads = threads;
        r->seconds = calloc(PHASE_COUNT * p->n_ops, sizeof *r->seconds);
        r->step_seconds = calloc(PHASE_COUNT, sizeof *r->step_seconds);
        r->steps = calloc(PHASE_COUNT, sizeof *r->steps);
        r->busy = calloc((size_t)threads * p->n_ops, sizeof *r->busy);
        r->arrived = calloc(2 * (size_t)threads, sizeof *r->arrived);
    }
    if (!r || !r->seconds || !r->step_seconds || !r->steps || !r->busy || !r->arrived) {
        profile_free(r);
        fail(e, "profile of %zu ops: found no memory", p->n_ops);
        return NULL;
    }
    return r;
}

void profile_free(struct profile *p)
{
    if (!p) return;
    free(p->seconds);
    free(p->step_seconds);
    free(p->steps);
    free(p->busy);
    free(p->arrived);
    free(p);
}

void profile_reset(struct profile *p)
{
    memset(p->seconds, 0, PHASE_COUNT * p->n_ops * sizeof *p->seconds);
    memset(p->step_seconds, 0, PHASE_COUNT * sizeof *p->step_seconds);
    memset(p->steps, 0, PHASE_COUNT * sizeof *p->steps);
}

void profile_arrive(struct profile *p, size_t stage, int thread)
{
    p->arrived[stage % 2 * (size_t)p->threads + (size_t)thread] = clock_now();
}

double profile_stage_end(const struct profile *p, size_t stage)
{
    const double *arrived = p->arrived + stage % 2 * (size_t)p->threads;
    double last = arrived[0];
    for (int t = 1; t < p->threads; t++)
        if (arrived[t] > last) last = arrived[t];
    return last;
}

void profile_stage(struct profile *p, enum phase phase, size_t first, size_t end, double wall)
{
    double *seconds = p->seconds + (size_t)phase * p->n_ops;
    if (end - first == 1) {
        seconds[first] += wall;
        return;
    }
    double total = 0;
    for (int t = 0; t < p->threads; t++)
        for (size_t i = first; i < end; i++) total += p->busy[(size_t)t * p->n_ops + i];
    for (size_t i = first; i < end; i++) {
        double busy = 0;
        for (int t = 0; t < p->threads; t++) busy += p->busy[(size_t)t * p->n_ops + i];
        seconds[i] += total > 0 ? wall * busy / total : wall / (double)(end - first);
    }
}
