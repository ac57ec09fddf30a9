/* auc.c - samples as cumulative sums, so that any window is the difference of two.
 * SPDX-License-Identifier: MIT */
#include "engine/meter/auc.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/meter/proc.h"

#define BLOCK_S 0.2 /* of idle: five a second, as the default samples */

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

/* What was summed up to time t, which lies within the recording, and the index of the first sample at or after it. */
static struct sample at(const struct auc *a, double t, size_t *index)
{
    size_t low = 0, high = a->n - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (a->s[middle].t < t)
            low = middle + 1;
        else
            high = middle;
    }
    *index = low;
    struct sample s = a->s[low];
    if (!low || s.t == t) return s;
    const struct sample *p = &a->s[low - 1];
    double x = (t - p->t) / (s.t - p->t);
#define BETWEEN(field) s.field = p->field + x * (s.field - p->field)
    BETWEEN(cpu_s);
    BETWEEN(system_cpu_s);
    BETWEEN(steal_s);
    BETWEEN(sampler_s);
    BETWEEN(rss_area);
    BETWEEN(pss_area);
    BETWEEN(pss_gap_s);
    BETWEEN(system_used_area);
#undef BETWEEN
    s.t = t;
    return s;
}

/* The five curves that have an idle level: what is used in a stretch from p to q. */
enum { CPU, RSS, PSS, SYSTEM_CPU, SYSTEM_USED, CURVES };

static void used(const struct sample *p, const struct sample *q, double v[CURVES])
{
    v[CPU] = q->cpu_s - p->cpu_s;
    v[RSS] = q->rss_area - p->rss_area;
    v[PSS] = q->pss_gap_s > p->pss_gap_s ? NAN : q->pss_area - p->pss_area;
    v[SYSTEM_CPU] = q->system_cpu_s - p->system_cpu_s;
    v[SYSTEM_USED] = q->system_used_area - p->system_used_area;
}

static struct auc_level *level_of(struct auc_idle *i, int curve)
{
    struct auc_level *of[CURVES] = {&i->cpu, &i->rss, &i->pss, &i->system_cpu, &i->system_used};
    return of[curve];
}

/* Of n block means, whose distances x from the first add up to `sum`, `squares` and, neighbour by neighbour, `products`; `last`
 * is the last. */
static struct auc_level level_from(double mean, double n, double sum, double squares, double products, double last)
{
    if (n < 2) return (struct auc_level){.mean = mean, .variance = NAN, .correlation = NAN};
    double m = sum / n, spread = fmax(0, squares - n * m * m);
    /* The first x is 0. */
    double together = products - m * (2 * sum - last) + (n - 1) * m * m;
    double r = spread > 0 ? together / spread : 0, rho = n > 4 ? (r + 1 / n) / (1 - 4 / n) : r;
    return (struct auc_level){.mean = mean, .variance = spread / (n - 1), .correlation = fmin(1, fmax(0, rho))};
}

/* The variance that sums of blocks have for each block: neighbours that are alike average out more slowly. */
static double long_run(const struct auc_level *l, double blocks)
{
    double factor = (1 + l->correlation) / (1 - l->correlation);
    return l->variance * fmin(factor, blocks);
}

static struct auc_idle idle_level(const struct auc *a, double t0, double t1)
{
    struct auc_idle r = {.t0 = t0, .t1 = t1};
    size_t first, last;
    struct sample begin = at(a, t0, &first), end = at(a, t1, &last), block = begin;
    double v[CURVES], sum[CURVES] = {0}, squares[CURVES] = {0}, products[CURVES] = {0}, origin[CURVES] = {0}, x[CURVES] = {0};
    for (size_t i = first; i <= last; i++) {
        const struct sample *s = i == last ? &end : &a->s[i];
        double dt = s->t - block.t;
        if (dt < 0.75 * BLOCK_S) continue; /* the last block may be short, and is left out of the variance */
        used(&block, s, v);
        for (int k = 0; k < CURVES; k++) {
            double previous = x[k];
            if (!r.blocks) origin[k] = v[k] / dt;
            x[k] = v[k] / dt - origin[k];
            sum[k] += x[k];
            squares[k] += x[k] * x[k];
            products[k] += x[k] * previous;
        }
        r.blocks++;
        r.block_s = (s->t - t0) / (double)r.blocks;
        block = *s;
    }
    used(&begin, &end, v);
    for (int k = 0; k < CURVES; k++)
        *level_of(&r, k) = level_from(v[k] / (t1 - t0), (double)r.blocks, sum[k], squares[k], products[k], x[k]);
    r.busy = r.system_cpu.mean / (double)sysconf(_SC_NPROCESSORS_ONLN);
    return r;
}

/* The last interval that ended before the window and the first that began after it. */
static void find_idle(const struct auc *a, struct auc_result *r)
{
    const double none = NAN;
    size_t before = a->n_idle, after = a->n_idle;
    r->before = r->after = (struct auc_idle){.t0 = none, .t1 = none};
    for (size_t i = 0; i < a->n_idle; i++) {
        if (a->idle[i].t1 <= r->t0 && (before == a->n_idle || a->idle[i].t1 > a->idle[before].t1)) before = i;
        if (a->idle[i].t0 >= r->t1 && (after == a->n_idle || a->idle[i].t0 < a->idle[after].t0)) after = i;
    }
    if (before < a->n_idle) r->before = idle_level(a, a->idle[before].t0, a->idle[before].t1);
    if (after < a->n_idle) r->after = idle_level(a, a->idle[after].t0, a->idle[after].t1);
}

/* The area above idle, by the formula in auc.h. `error_s2`: variance of the gross figure itself. */
static struct auc_area above_idle(const struct auc_result *r, int curve, double gross, double error_s2)
{
    struct auc_idle before = r->before, after = r->after;
    bool b = !isnan(before.t0), f = !isnan(after.t0);
    if (!b && !f) return (struct auc_area){gross, NAN, NAN};
    if (!b) before = after;
    if (!f) after = before;
    const struct auc_level *l1 = level_of(&before, curve), *l2 = level_of(&after, curve);
    double T = r->time_s, drift = l2->mean - l1->mean;
    double n1 = (double)before.blocks, n2 = (double)after.blocks, s1 = long_run(l1, n1), s2 = long_run(l2, n2);
    double of_mean = (s1 / n1 + s2 / n2) / (b && f ? 4 : 2);
    double in_window = T * (before.block_s + after.block_s) / 2 * (s1 + s2) / 2;
    return (struct auc_area){
        .gross = gross,
        .net = gross - T * (l1->mean + l2->mean) / 2,
        .sd = sqrt(T * T * (of_mean + drift * drift / 12) + in_window + error_s2),
    };
}

/* The integral of utilisation as sampled at ticks, each the mean since the tick before (as psutil.cpu_percent has it), by
 * trapezoids; the ends are filled with the nearest. NAN: no tick in the window. */
static double sampled_cpu(const struct auc *a, const struct auc_result *r)
{
    double area = 0, last_t = r->t0, last_use = NAN;
    const struct sample *tick = NULL;
    for (size_t i = 0; i < a->n && a->s[i].t <= r->t1; i++) {
        const struct sample *s = &a->s[i];
        if (s->mark && i) continue;
        if (tick && s->t >= r->t0 && s->t > tick->t) {
            double use = (s->cpu_s - tick->cpu_s) / (s->t - tick->t);
            area += (s->t - last_t) * (isnan(last_use) ? use : (use + last_use) / 2);
            last_t = s->t;
            last_use = use;
        }
        tick = s;
    }
    return area + last_use * (r->t1 - last_t);
}

static void window(const struct auc *a, struct auc_result *r)
{
    size_t first, last;
    struct sample begin = at(a, r->t0, &first), end = at(a, r->t1, &last);
    double v[CURVES], tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
    find_idle(a, r);
    used(&begin, &end, v);
    for (size_t i = first; i <= last; i++) {
        const struct sample *s = &a->s[i];
        if (s->t >= r->t0 && s->t <= r->t1) {
            r->samples++;
            r->peak_rss_bytes = fmax(r->peak_rss_bytes, s->t == r->t0 ? s->rss : s->peak_rss);
        }
        if (i > first || s->t > r->t0) r->max_gap_s = fmax(r->max_gap_s, s->max_gap_s);
    }
    if (a->o.below_root) {
        /* Nothing was started yet: no noise, no drift. */
        r->cpu = (struct auc_area){v[CPU], v[CPU], sqrt(tick_s * tick_s / 6)};
        r->rss = (struct auc_area){v[RSS], v[RSS], 0};
        r->pss = (struct auc_area){v[PSS], v[PSS], isnan(v[PSS]) ? NAN : 0};
        /* It came and went between two samples, or was seen only as it began or ended: nobody saw its memory. */
        if (!(v[RSS] > 0)) r->rss = r->pss = (struct auc_area){NAN, NAN, NAN}, r->peak_rss_bytes = NAN;
        if (!(v[PSS] > 0)) r->pss = (struct auc_area){NAN, NAN, NAN};
    } else {
        r->cpu = above_idle(r, CPU, v[CPU], tick_s * tick_s / 6);
        r->rss = above_idle(r, RSS, v[RSS], 0);
        r->pss = above_idle(r, PSS, v[PSS], 0);
    }
    r->system_cpu = above_idle(r, SYSTEM_CPU, v[SYSTEM_CPU], tick_s * tick_s / 6);
    r->system_used = above_idle(r, SYSTEM_USED, v[SYSTEM_USED], 0);
    r->cpu_sampled = sampled_cpu(a, r) - (r->cpu.gross - r->cpu.net);
    r->steal_s = end.steal_s - begin.steal_s;
    r->sampler_cpu_s = end.sampler_s - begin.sampler_s;
    r->pss_samples = end.pss_reads - begin.pss_reads;
    r->missed = a->missed;
    r->hz = a->o.hz;
}

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
    if (ok) window(a, r);
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
