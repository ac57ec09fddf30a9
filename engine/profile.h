/* profile.h - the time of every op, stamped while exec runs.
 *
 * A stage's wall time runs from when the last thread was done with the stage before to when the last is done with this one:
 * from what thread 0 sees alone, a stage that others did while it was slow to leave the barrier would cost nothing, and the one
 * before all. Where a stage holds several ops its time is shared among them by the busy time that all threads spent in each. So
 * the ops' times add up to the steps' time exactly. SPDX-License-Identifier: MIT */
#ifndef HARTREE_PROFILE_H
#define HARTREE_PROFILE_H

#include "engine/plan.h"

enum phase { PHASE_PREFILL, PHASE_DECODE, PHASE_COUNT };

struct profile {
    size_t n_ops;
    int threads;
    double *seconds;  /* [PHASE_COUNT][n_ops], measured */
    double *step_seconds; /* [PHASE_COUNT], whole steps as the caller sees them; the difference is unattributed */
    uint64_t *steps;      /* [PHASE_COUNT] */
    double *busy;         /* [threads][n_ops], seconds each thread spent in an op of the step at hand; written by exec */
    double *arrived;      /* [2][threads], when each thread was done with an even and with an odd stage */
};

struct profile *profile_new(const struct plan *p, int threads, struct error *e);
void profile_free(struct profile *p);
void profile_reset(struct profile *p);
/* Thread `thread` is done with stage `stage`, and goes to the barrier. */
void profile_arrive(struct profile *p, size_t stage, int thread);
/* When the last thread was done with it. For thread 0, after the stage's barrier and before the next one's: the others may be a
 * stage ahead by then, but not two. */
double profile_stage_end(const struct profile *p, size_t stage);
/* Adds a stage's wall time to its ops [first, end), by their shares of p->busy. */
void profile_stage(struct profile *p, enum phase phase, size_t first, size_t end, double wall);

#endif
