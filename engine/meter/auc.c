/* auc.c - the recording: samples as cumulative sums, so that any window is the difference of two (auc_window.c).
 * SPDX-License-Identifier: MIT */
#include "engine/meter/auc_private.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/meter/proc.h"

static double thread_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double children_cpu(void)
{
    struct rusage u;
    getrusage(RUSAGE_CHILDREN, &u);
    return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* ---- Recording ---- */

/* Drops every other sample that is no mark. What they added is in the sums; their extremes go to the next one kept. */
static void thin_out(struct auc *a)
{
    size_t kept = 1;
    double peak = 0, gap = 0;
    bool drop = false;
    for (size_t i = 1; i < a->n; i++) {
        struct sample *s = &a->s[i];
        drop = !drop && !s->mark && i + 1 < a->n;
        peak = fmax(peak, s->peak_rss);
        gap = fmax(gap, s->max_gap_s);
        if (drop) continue;
        s->peak_rss = peak;
        s->max_gap_s = gap;
        peak = gap = 0;
        a->s[kept++] = *s;
    }
    a->n = kept;
}

/* Adds a sample of what is used now. A mark's caller began it at `begin_cpu` of its thread's CPU time. With the lock held. */
static bool record(struct auc *a, bool mark, double begin_cpu, struct error *e)
{
    struct process_usage u;
    struct proc_system machine;
    /* A mark is taken by a thread that has work to do, and at once. But the first sample, and marks where they are all there
     * is, do everything. */
    bool light = mark && a->n && !a->o.clock;
    proc_system_read(a->o.proc,
                     &machine); /* its count of forks before the tree: who starts meanwhile is looked for next time */
    double t = a->o.clock ? a->o.clock() : clock_now();
    if (!process_tree_read(a->tree, t, light ? NULL : &machine, &u, e)) return false;
    double spent = mark ? a->thread_cpu_s + a->marks_cpu_s + thread_cpu() - begin_cpu : a->marks_cpu_s + thread_cpu();
    if (a->n >= a->o.max_samples) {
        thin_out(a);
        if (a->n > a->o.max_samples / 4 * 3) a->o.max_samples *= 2; /* marks, most of them */
    }
    struct sample *s = memory_grow(a->s, &a->capacity, a->n + 1, sizeof *s);
    if (!s) return fail(e, "no memory for %zu samples", a->n + 1);
    a->s = s;
    struct sample now = {.t = t,
                         .sampler_s = spent + a->tick_children_s,
                         .cpu_s = u.cpu_s - (a->sampler_in_tree ? spent : 0) - (a->children_in_tree ? a->tick_children_s : 0),
                         .system_cpu_s = machine.busy_s,
                         .steal_s = machine.steal_s,
                         .rss = u.rss_bytes,
                         .pss = u.pss_bytes,
                         .system_used = machine.used_bytes,
                         .peak_rss = u.rss_bytes,
                         .ticks = !mark,
                         .pss_reads = u.pss_read,
                         .processes = u.processes,
                         .mark = mark};
    if (a->n) {
        const struct sample *last = &a->s[a->n - 1];
        double dt = now.t - last->t;
        /* A tree that ended is seen to have ended at once, by whoever waits for it; until then it kept its memory. */
        bool ended = last->processes && !now.processes;
        now.rss_area = last->rss_area + dt * (ended ? last->rss : (last->rss + now.rss) / 2);
        double pss = ended ? last->pss : (last->pss + now.pss) / 2;
        now.pss_area = last->pss_area + (isnan(pss) ? 0 : dt * pss);
        now.pss_gap_s = last->pss_gap_s + (isnan(pss) ? dt : 0);
        now.system_used_area = last->system_used_area + dt * (last->system_used + now.system_used) / 2;
        now.max_gap_s = dt;
        now.cpu_s = fmax(now.cpu_s, last->cpu_s);
        now.ticks += last->ticks;
        now.pss_reads += last->pss_reads;
    }
    a->s[a->n++] = now;
    if (a->o.tick) {
        double before = children_cpu();
        a->o.tick(a->o.tick_ctx);
        a->tick_children_s += children_cpu() - before;
    }
    return true;
}

static double mark_locked(struct auc *a)
{
    double begin = thread_cpu();
    if (!a->failed && !record(a, true, begin, &a->error)) a->failed = true;
    a->marks_cpu_s += thread_cpu() - begin;
    return a->n ? a->s[a->n - 1].t : NAN;
}

double auc_mark(struct auc *a)
{
    pthread_mutex_lock(&a->lock);
    double t = mark_locked(a);
    pthread_mutex_unlock(&a->lock);
    return t;
}

void auc_hold(struct auc *a)
{
    pthread_mutex_lock(&a->lock);
}
void auc_release(struct auc *a)
{
    pthread_mutex_unlock(&a->lock);
}

/* Waits until `deadline` or until it is woken. With the lock held. */
static void wait_until(struct auc *a, double deadline)
{
#if defined(__APPLE__)
    double left = deadline - clock_now();
    struct timespec t = {(time_t)left, (long)(1e9 * (left - floor(left)))};
    if (left > 0) pthread_cond_timedwait_relative_np(&a->wake, &a->lock, &t);
#else
    struct timespec t = {(time_t)deadline, (long)(1e9 * (deadline - floor(deadline)))};
    pthread_cond_timedwait(&a->wake, &a->lock, &t);
#endif
}

#define GIVE_WAY_S 1e-3

static void *sampler(void *ctx)
{
    struct auc *a = ctx;
    double start = clock_now();
    double tick = 0; /* number of the next one */
    pthread_mutex_lock(&a->lock);
    while (!a->stopping) {
        double deadline = start + (tick + 1) / a->o.hz, now = clock_now();
        if (now < deadline) {
            wait_until(a, deadline);
            continue;
        }
        double late = floor((now - deadline) * a->o.hz); /* whole periods: those ticks can't be made up for */
        a->missed += (size_t)late;
        tick += late + 1;
        if (!a->failed && !record(a, false, 0, &a->error)) a->failed = true;
        a->thread_cpu_s = thread_cpu();
        /* Where a tick outlasts its period the thread would never wait, and so never let go of the lock. */
        now = clock_now();
        if (now >= start + (tick + 1) / a->o.hz) wait_until(a, now + GIVE_WAY_S);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

static bool start_thread(struct auc *a, struct error *e)
{
    /* Signals are for the program's other threads. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&a->thread, NULL, sampler, a);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    a->running = !rc;
    return !rc || fail(e, "no thread to sample with: %s", strerror(rc));
}

struct auc *auc_start(const struct auc_options *o, struct error *e)
{
    struct auc *a = calloc(1, sizeof *a);
    if (!a) {
        fail(e, "no memory for a recording");
        return NULL;
    }
    a->o = *o;
    if (!a->o.hz) a->o.hz = 5;
    if (!a->o.max_samples) a->o.max_samples = 131072;
    pthread_mutexattr_t lock;
    pthread_mutexattr_init(&lock);
    pthread_mutexattr_settype(&lock, PTHREAD_MUTEX_RECURSIVE); /* auc_mark under auc_hold */
    pthread_mutex_init(&a->lock, &lock);
    pthread_mutexattr_destroy(&lock);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
#if !defined(__APPLE__)
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC); /* that of clock_now */
#endif
    pthread_cond_init(&a->wake, &attr);
    pthread_condattr_destroy(&attr);
    a->children_in_tree = !o->proc && (!o->root || o->root == (int)getpid());
    a->sampler_in_tree = a->children_in_tree && !o->below_root;
    if (!(a->o.hz > 0 && a->o.hz <= AUC_MAX_HZ)) {
        fail(e, "found %g samples a second, expected up to %d", a->o.hz, AUC_MAX_HZ);
    } else {
        a->tree = process_tree_open(&(struct process_tree_options){o->proc, o->root, o->below_root}, e);
        double begin = thread_cpu();
        bool ok = a->tree && record(a, true, begin, e);
        a->marks_cpu_s = thread_cpu() - begin;
        if (ok && (a->o.clock || start_thread(a, e))) return a;
    }
    auc_free(a);
    return NULL;
}

void auc_stop(struct auc *a)
{
    pthread_mutex_lock(&a->lock);
    bool join = a->running;
    if (join) mark_locked(a);
    a->running = false;
    a->stopping = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
    if (join) pthread_join(a->thread, NULL);
}

void auc_free(struct auc *a)
{
    if (!a) return;
    auc_stop(a);
    process_tree_close(a->tree);
    pthread_cond_destroy(&a->wake);
    pthread_mutex_destroy(&a->lock);
    free(a->s);
    free(a->idle);
    free(a);
}

int auc_processes(struct auc *a)
{
    pthread_mutex_lock(&a->lock);
    int n = a->n ? a->s[a->n - 1].processes : 0;
    pthread_mutex_unlock(&a->lock);
    return n;
}

/* ---- Windows ---- */

/* Whether [t0, t1] was recorded as a whole; a running recording is brought up to now if need be. With the lock held. */
static bool recorded(struct auc *a, double t0, double t1, struct error *e)
{
    if (a->running && t1 > a->s[a->n - 1].t) mark_locked(a);
    if (a->failed) return fail(e, "%s", a->error.text);
    double begin = a->s[0].t, end = a->s[a->n - 1].t;
    if (!(t0 < t1)) return fail(e, "a window from %.6f s to %.6f s, expected some time between them", t0 - begin, t1 - begin);
    if (t0 < begin || t1 > end)
        return fail(e, "a window from %.6f s to %.6f s, recorded are 0 s to %.6f s", t0 - begin, t1 - begin, end - begin);
    return true;
}

bool auc_between(struct auc *a, double t0, double t1, struct auc_result *r, struct error *e)
{
    pthread_mutex_lock(&a->lock);
    bool ok = recorded(a, t0, t1, e);
    *r = (struct auc_result){.t0 = t0, .t1 = t1, .time_s = t1 - t0};
    if (ok) auc_window(a, r);
    pthread_mutex_unlock(&a->lock);
    return ok;
}

bool auc_idle_between(struct auc *a, double t0, double t1, struct error *e)
{
    pthread_mutex_lock(&a->lock);
    bool ok = recorded(a, t0, t1, e);
    void *idle = ok ? memory_grow(a->idle, &a->idle_capacity, a->n_idle + 1, sizeof *a->idle) : NULL;
    if (ok && !idle) ok = fail(e, "no memory for %zu idle intervals", a->n_idle + 1);
    if (ok) {
        a->idle = idle;
        a->idle[a->n_idle].t0 = t0;
        a->idle[a->n_idle++].t1 = t1;
    }
    pthread_mutex_unlock(&a->lock);
    return ok;
}

bool auc_idle(struct auc *a, double seconds, const volatile int *interrupted, struct error *e)
{
    enum { SLICE_NS = 200000000 }; /* waking is use, too */
    if (seconds <= 0) return true;
    double begin = auc_mark(a), end = clock_now() + seconds;
    for (double left; (left = end - clock_now()) > 0 && !(interrupted && *interrupted);) {
        struct timespec t = {0, left < 1e-9 * SLICE_NS ? (long)(1e9 * left) : SLICE_NS};
        nanosleep(&t, NULL);
    }
    return auc_idle_between(a, begin, auc_mark(a), e);
}

bool auc_write_csv(struct auc *a, FILE *f, struct error *e)
{
    pthread_mutex_lock(&a->lock);
    fprintf(f, "time_s,cpu_s,rss_bytes,pss_bytes,processes,system_cpu_s,system_steal_s,system_used_bytes,sampler_cpu_s,mark\n");
    for (size_t i = 0; i < a->n; i++) {
        const struct sample *s = &a->s[i], *first = &a->s[0];
        const double v[] = {s->t - first->t,
                            s->cpu_s - first->cpu_s,
                            s->rss,
                            s->pss,
                            s->processes,
                            s->system_cpu_s - first->system_cpu_s,
                            s->steal_s - first->steal_s,
                            s->system_used,
                            s->sampler_s - first->sampler_s};
        for (size_t k = 0; k < sizeof v / sizeof *v; k++) {
            if (!isnan(v[k])) fprintf(f, "%.15g", v[k]); /* an empty field is not known */
            fputc(',', f);
        }
        fprintf(f, "%d\n", s->mark);
    }
    pthread_mutex_unlock(&a->lock);
    return !ferror(f) || fail(e, "the samples: %s", strerror(errno));
}
