/* pool.c - threads that spin for a moment, then yield, then sleep.
 *
 * Two words drive everything: `job` counts jobs started, `phase` counts barriers passed. Whoever waits for one of them to
 * change spins (the usual wait inside a model's step is shorter than a wake-up), then gives its core away, then sleeps on a
 * condition variable. Nobody spins where there are more threads than cores: the one waited for would need that core.
 *
 * Two threads may find themselves on one CPU while another idles, and Linux (6.18, two CPUs of a virtual machine) leaves them
 * there as long as their turns are short: every stage then costs a whole spin, so that a model of 0.2 ms a token has a tenth of
 * its speed. So each job begins with a look at where everyone is.
 * SPDX-License-Identifier: MIT */
#include "engine/pool.h"

#include "base/clock.h"
#include "kernels/kernel.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double spin_s = 30e-6;   /* about the price of sleeping and being woken */
static const double yield_s = 200e-6; /* from here on a core is worth more than a fast start */

enum {
    STACK_OF_CALLERS = 768 << 10, /* generous: sanitizers make frames larger */
    SPINS_PER_CLOCK = 32,
    CACHE_LINE = 128, /* two lines: x86 fetches them in pairs, and Apple's are this long */
    CLAIMS = 2,       /* in which a thread would take its share of what is left */
    PUSH_EVERY = 32,  /* jobs at least: the kernel may have its reasons to bring a thread back */
};

struct worker {
    struct pool *pool;
    pthread_t id;
    int thread;
    unsigned pushed; /* the job at whose begin it was last pushed to another CPU */
    _Alignas(CACHE_LINE) atomic_ullong place; /* the job it began last, and on which CPU */
};

struct pool {
    int threads;
    bool crowded; /* more threads than cores */
    bool stop;    /* published by `job` */
    void (*fn)(void *ctx, int thread);
    void *ctx;
    struct worker *workers; /* [0] is the caller */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    _Alignas(CACHE_LINE) atomic_uint job;
    _Alignas(CACHE_LINE) atomic_uint phase;
    _Alignas(CACHE_LINE) atomic_int arrived;
    _Alignas(CACHE_LINE) atomic_int sleepers;
    _Alignas(CACHE_LINE) atomic_size_t chunk;
};

/* A worker's place in one word; CPU -1: not known. */
static unsigned long long place_of(unsigned job, int cpu)
{
    return (unsigned long long)job << 32 | (unsigned)cpu;
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb"); /* `yield` does nothing on most cores; isb waits about as long as x86's pause */
#endif
}

/* Returns once *word differs from `old`; the caller then sees all that was written before announce(). */
static void wait_change(struct pool *p, atomic_uint *word, unsigned old)
{
    double start = clock_now(), waited = 0;
    while (waited < yield_s) {
        if (atomic_load_explicit(word, memory_order_acquire) != old) return;
        if (p->crowded || waited >= spin_s) {
            sched_yield();
        } else {
            for (int i = 0; i < SPINS_PER_CLOCK; i++) {
                relax();
                if (atomic_load_explicit(word, memory_order_acquire) != old) return;
            }
        }
        waited = clock_now() - start;
    }
    /* No wake-up is lost: `sleepers` rises before *word is read, and announce() changes *word before it reads `sleepers`, all
     * sequentially consistent, so that one of the two sees the other. */
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->sleepers, 1);
    while (atomic_load(word) == old) pthread_cond_wait(&p->changed, &p->lock);
    atomic_fetch_sub(&p->sleepers, 1);
    pthread_mutex_unlock(&p->lock);
}

static void announce(struct pool *p, atomic_uint *word)
{
    atomic_fetch_add(word, 1);
    if (!atomic_load(&p->sleepers)) return;
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

void pool_barrier(struct pool *p)
{
    if (p->threads == 1) {
        atomic_store_explicit(&p->chunk, 0, memory_order_relaxed);
        return;
    }
    unsigned phase = atomic_load_explicit(&p->phase, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&p->arrived, 1, memory_order_acq_rel) + 1 < p->threads) {
        wait_change(p, &p->phase, phase);
        return;
    }
    /* The last to arrive: all others stand in the line above, so nobody counts or takes a chunk now. */
    atomic_store_explicit(&p->arrived, 0, memory_order_relaxed);
    atomic_store_explicit(&p->chunk, 0, memory_order_relaxed);
    announce(p, &p->phase);
}

size_t pool_chunk(struct pool *p)
{
    return atomic_fetch_add_explicit(&p->chunk, 1, memory_order_relaxed);
}

#if defined(__linux__)
/* The CPUs where no thread of the pool was when it last began a job, of those that this thread may use. */
static bool unused_cpus(const struct pool *p, cpu_set_t *unused, const cpu_set_t *all)
{
    *unused = *all;
    for (int i = 0; i < p->threads; i++) {
        int cpu = (int)(unsigned)atomic_load_explicit(&p->workers[i].place, memory_order_relaxed);
        if (cpu >= 0) CPU_CLR(cpu, unused);
    }
    return CPU_COUNT(unused) > 0;
}
#endif

/* Notes the CPU on which `w` begins job number `job`. Pushes it to another one if a thread before it has begun the job on the
 * same. */
static void take_place(struct pool *p, struct worker *w, unsigned job)
{
#if defined(__linux__)
    int cpu = sched_getcpu();
    bool shared = false;
    for (int i = 0; i < w->thread && !shared; i++)
        shared = atomic_load_explicit(&p->workers[i].place, memory_order_relaxed) == place_of(job, cpu);
    cpu_set_t all, unused;
    if (shared && cpu >= 0 && !p->crowded && job - w->pushed >= PUSH_EVERY && !sched_getaffinity(0, sizeof all, &all) &&
        unused_cpus(p, &unused, &all) && !sched_setaffinity(0, sizeof unused, &unused)) {
        w->pushed = job;
        cpu = sched_getcpu();
        if (sched_setaffinity(0, sizeof all, &all)) sched_setaffinity(0, sizeof all, &all);
    }
    atomic_store_explicit(&w->place, place_of(job, cpu), memory_order_relaxed);
#else
    (void)p, (void)w, (void)job;
#endif
}

size_t pool_claim(struct pool *p, size_t total, size_t *count)
{
    size_t at = atomic_load_explicit(&p->chunk, memory_order_relaxed), left = at < total ? total - at : 0;
    size_t part = left / (CLAIMS * (size_t)p->threads);
    *count = part ? part : 1;
    return atomic_fetch_add_explicit(&p->chunk, *count, memory_order_relaxed);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;
    /* Every job ends in a barrier, so a worker can't miss one and the number only needs to be compared with the last. */
    for (unsigned job = 0;; job++) {
        wait_change(p, &p->job, job);
        if (p->stop) return NULL;
        take_place(p, w, job + 1);
        p->fn(p->ctx, w->thread);
        pool_barrier(p);
    }
}

void pool_run(struct pool *p, void (*fn)(void *ctx, int thread), void *ctx)
{
    p->fn = fn;
    p->ctx = ctx;
    if (p->threads > 1) {
        take_place(p, &p->workers[0], atomic_load_explicit(&p->job, memory_order_relaxed) + 1);
        announce(p, &p->job);
    }
    fn(ctx, 0);
    pool_barrier(p);
}

static int cores_online(void)
{
#if defined(__linux__)
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof set, &set)) return CPU_COUNT(&set);
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

/* Zeroed, on cache lines of its own; NULL without memory. */
static void *new_lines(size_t bytes)
{
    void *block;
    return posix_memalign(&block, CACHE_LINE, bytes) ? NULL : memset(block, 0, bytes);
}

struct pool *pool_new(int threads, struct error *e)
{
    if (threads < 1 || threads > POOL_MAX_THREADS) {
        fail(e, "threads: found %d, expected 1 to %d", threads, POOL_MAX_THREADS);
        return NULL;
    }
    struct pool *p = new_lines(sizeof *p);
    if (!p) {
        fail(e, "threads: found no memory for %d", threads);
        return NULL;
    }
    p->threads = 1; /* counts those that run, for pool_free below */
    p->crowded = threads > cores_online();
    p->workers = new_lines((size_t)threads * sizeof *p->workers);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    if (!p->workers) {
        fail(e, "threads: found no memory for %d", threads);
        pool_free(p);
        return NULL;
    }
    for (int i = 0; i < threads; i++) {
        p->workers[i].pool = p;
        p->workers[i].thread = i;
        p->workers[i].place = place_of(0, -1);
        p->workers[i].pushed = 0U - PUSH_EVERY;
    }
    /* Signals go to the caller's thread, which is the one that looks at what their handlers set. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    /* Not every C library gives a thread what kernels need. */
    pthread_attr_t attr;
    int rc = pthread_attr_init(&attr);
    if (!rc) rc = pthread_attr_setstacksize(&attr, KERNEL_STACK_BYTES + STACK_OF_CALLERS);
    for (int i = 1; i < threads && !rc; i++) {
        rc = pthread_create(&p->workers[i].id, &attr, work, &p->workers[i]);
        if (!rc) p->threads++;
    }
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc) {
        fail(e, "threads: found %d started, expected %d: %s", p->threads, threads, strerror(rc));
        pool_free(p);
        return NULL;
    }
    return p;
}

void pool_free(struct pool *p)
{
    if (!p) return;
    p->stop = true;
    announce(p, &p->job);
    for (int i = 1; i < p->threads; i++) pthread_join(p->workers[i].id, NULL);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p->workers);
    free(p);
}

int pool_threads(const struct pool *p) { return p->threads; }
