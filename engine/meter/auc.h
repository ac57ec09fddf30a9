/* auc.h - the area under the curve of CPU and memory use: how much a stretch of time took above idle.
 *
 * A thread of its own samples a tree of processes (this one, or what it starts) and the whole machine, 5 times a second by
 * default. Afterwards any number of windows [t0, t1] can be asked for: a prompt's, a run's.
 *
 *     cpu_auc = CPU seconds used in the window  - idle cores * (t1 - t0)      core-seconds
 *     ram_auc = integral of resident bytes      - idle bytes * (t1 - t0)      byte-seconds
 *
 * CPU time comes from the kernel's cumulative counters, interpolated where a window ends between two samples, so a coarse grid
 * loses nothing; a window that ends at marks (auc_mark) needs no interpolation. Memory is integrated by trapezoids.
 *
 * What is idle? What is used in the idle intervals, which the caller declares (auc_idle) and places. The area is taken above
 * the mean of the last interval before the window and the first one after it.
 *   - This process: take the intervals before the model is loaded and after it is closed. Then a window holds the model's whole
 *     footprint, as in a protocol that samples a machine's use above idle, and its CPU idle is what a waiting process takes:
 *     about 0, but measured. Intervals taken beside a loaded model leave only the growth (the KV cache).
 *   - A command that this process starts (below_root): before it starts there is nothing, so its idle is 0 by definition.
 *   - The whole machine (`system`): what everybody else took in the idle intervals. That is what a sampler of the machine's use
 *     sees; beside the tree's figure it is the witness of a noisy neighbour.
 *
 * Standard deviation: idle use is a noise of block means (of 0.2 s or one sample, the longer) in n blocks, and may have drifted
 * evenly from m1 before to m2 after. Neighbouring blocks are alike (a daemon that wakes is awake for some blocks): so s^2 is
 * their variance times (1 + rho) / (1 - rho), rho being the correlation of neighbours: what a sum of many takes, as of a
 * first-order autoregression. rho counts from 0 on, and is freed of its bias in short series (Kendall 1954: -(1 + 4 rho) / n);
 * the factor is at most n, which leaves one block's worth of knowledge. Over T seconds
 *
 *     sd^2 = T^2 (s1^2/n1 + s2^2/n2)/4 + T^2 (m2-m1)^2/12 + T*block*(s1^2+s2^2)/2  [+ tick^2/6: a CPU counter's two ends]
 *
 * With one interval it is T^2 s^2/n, and no drift is known.
 *
 * The sampler's own CPU time is measured (sampler_cpu_s) and is not in this process's figure. On an x86 virtual machine of 2
 * cores it was 0.15 % of a core at 5 Hz and 2.0 % at 100 Hz, on an idle machine as on a busy one, for a process without
 * children; at 1000 Hz 7.6 %, with 4 of 10 ticks missed while both cores were busy. What that does to the work beside it,
 * tests/auc_overhead.c measures by pairs with and without it.
 *
 * All functions may be called from any thread while the recording runs; auc_free only when nobody else uses it. Times are those
 * of clock_now().
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_AUC_H
#define HARTREE_AUC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

struct auc;

struct auc_options {
    double hz;             /* samples a second, up to AUC_MAX_HZ; 0: 5. Scheduler ticks bound what fast sampling can resolve */
    int root;              /* the tree's root, a pid; 0: this process */
    bool below_root;       /* without the root itself: what it starts */
    const char *proc;      /* NULL: "/proc"; a recorded tree of that form */
    double (*clock)(void); /* NULL: clock_now. With another clock no thread is started: auc_mark alone samples */
    size_t max_samples; /* 0: 131072 (about 20 MB, 7 h at 5 Hz). Beyond, every other sample is dropped but not marks; sums are
                           kept, so only windows that end between marks get coarser */
    void (*tick)(void *ctx); /* NULL, or called after every sample, one call at a time: an energy meter's reading */
    void *tick_ctx;
};

enum { AUC_MAX_HZ = 1000 };

/* Use in an interval of `seconds`. Variance and correlation are of block means, NAN with fewer than 2 of them. */
struct auc_level {
    double mean, variance;
    double correlation; /* of neighbours; of 0 or more */
};

/* More of all cores than this is no idle machine: what stands above it is not the program's alone. */
#define AUC_BUSY 0.05

struct auc_idle {
    double t0, t1; /* NAN: there is no such interval */
    size_t blocks;
    double block_s;
    struct auc_level cpu;                     /* cores, of the tree */
    struct auc_level rss, pss;                /* bytes, of the tree */
    struct auc_level system_cpu, system_used; /* cores, bytes, of the machine */
    double busy;                              /* system_cpu's share of the cores that are online */
};

/* An area above idle, or what goes with it. NAN: not known. */
struct auc_area {
    double gross; /* above zero */
    double net;   /* above idle; may be below 0 by as much as idle varies */
    double sd;    /* standard deviation of net */
};

struct auc_result {
    double t0, t1, time_s;
    struct auc_area cpu;         /* core-seconds: cpu.net is cpu_auc */
    struct auc_area rss, pss;    /* byte-seconds: rss.net is ram_auc; pss NAN where some process forbids to read it */
    struct auc_area system_cpu;  /* core-seconds of the machine, the sampler's included */
    struct auc_area system_used; /* byte-seconds of the machine's memory */
    double cpu_sampled;          /* cpu.net as a meter of utilisation would have it: percentages sampled at ticks, trapezoids */
    double steal_s;              /* core-seconds that a hypervisor gave to others */
    double peak_rss_bytes;       /* highest sample */
    struct auc_idle before, after;
    /* the sampler */
    double hz;
    size_t samples, missed; /* in the window; ticks left out because the thread woke too late, of the whole recording */
    size_t pss_samples;     /* fewer: each is costly (proc.h) */
    double max_gap_s;       /* longest time between two samples */
    double sampler_cpu_s;   /* CPU time that sampling took in the window */
};

/* Takes the first sample and starts the thread. NULL and *e: not on this system, no such root, no memory, no thread. */
struct auc *auc_start(const struct auc_options *o, struct error *e);

/* Samples now, in the calling thread, and returns the sample's time: windows that begin and end at marks are exact. What fails
 * is kept for auc_between. */
double auc_mark(struct auc *a);

/* Between these no sample and no tick is taken, but by auc_mark of the same thread. A program whose tick runs programs itself
 * (an energy meter's) waits for its other children only so: what is waited for during a tick counts as the sampler's. */
void auc_hold(struct auc *a);
void auc_release(struct auc *a);

/* Records for so many seconds in which nothing else is to run, and declares them idle. Returns early when *interrupted (may be
 * NULL) is nonzero; what was recorded until then is the interval. 0 seconds: nothing. False and *e as auc_between. */
bool auc_idle(struct auc *a, double seconds, const volatile int *interrupted, struct error *e);
/* The same for an interval that has passed. */
bool auc_idle_between(struct auc *a, double t0, double t1, struct error *e);

/* What was used in [t0, t1]. Ask after the idle interval that follows, so that it counts. False and *e: the window is empty or
 * was not recorded as a whole, or sampling failed (no memory). */
bool auc_between(struct auc *a, double t0, double t1, struct auc_result *r, struct error *e);

/* Living processes of the tree at the last sample. */
int auc_processes(struct auc *a);

/* Takes a last sample and ends the thread. Windows can still be asked for. */
void auc_stop(struct auc *a);

/* The samples as CSV, one line each below a line of names; times since the first sample. False and *e: not written. */
bool auc_write_csv(struct auc *a, FILE *f, struct error *e);

/* Stops it if need be. NULL: nothing. */
void auc_free(struct auc *a);

#endif
