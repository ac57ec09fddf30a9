/* auc_private.h - a recording as auc.c makes it and auc_window.c reads it; nobody else includes it.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_AUC_PRIVATE_H
#define HARTREE_AUC_PRIVATE_H

#include <pthread.h>

#include "engine/meter/auc.h"

/* What is integrated. Memory at the sample stands beside its integral. */
struct sample {
    double t;
    double cpu_s, system_cpu_s, steal_s, sampler_s; /* cumulative; cpu_s without the sampler's where that is in the tree */
    double rss, pss, system_used;                   /* bytes */
    double rss_area, pss_area, system_used_area, pss_gap_s; /* byte-seconds since the first sample; seconds without PSS */
    double peak_rss, max_gap_s;                             /* since the sample before, dropped ones included */
    size_t ticks, pss_reads;                                /* cumulative, dropped ones included */
    int processes;
    bool mark;
};

struct auc {
    struct auc_options o;
    struct process_tree *tree;
    pthread_mutex_t lock; /* all below, and the tree */
    pthread_cond_t wake;
    pthread_t thread;
    bool running, stopping, sampler_in_tree, children_in_tree;
    struct sample *s;
    size_t n, capacity, missed;
    struct {
        double t0, t1;
    } * idle;
    size_t n_idle, idle_capacity;
    double marks_cpu_s;     /* of the threads that called auc_mark */
    double tick_children_s; /* of programs that the tick ran */
    double thread_cpu_s;    /* of the sampler's own thread */
    bool failed;
    struct error error;
};

/* What was used in [r->t0, r->t1], which was recorded as a whole and is r->time_s long; the rest of *r is zero before. With the
 * lock held. */
void auc_window(const struct auc *a, struct auc_result *r);

#endif
