/* pool.c - the thread pool: every thread runs every job, barriers separate, each chunk is given once, nobody hangs.
 * SPDX-License-Identifier: MIT */
#include "engine/pool.h"
#include "tests/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#if defined(__linux__)
#include <sched.h>
#endif

enum { MOST = 16, CHUNKS = 1000 };

struct job {
    struct pool *pool;
    int threads;
    int ran[MOST];               /* per thread, unsynchronised on purpose: TSan sees a missing barrier */
    long sum[MOST];
    unsigned char given[CHUNKS]; /* written by whoever got the chunk */
    atomic_int wrong;
};

static void count_run(void *ctx, int thread)
{
    struct job *j = ctx;
    j->ran[thread]++;
}

/* Each round every thread writes its own slot, and after the barrier reads all of them. */
static void rounds(void *ctx, int thread)
{
    struct job *j = ctx;
    for (int r = 1; r <= 50; r++) {
        j->sum[thread] = r * (thread + 1L);
        pool_barrier(j->pool);
        long sum = 0;
        for (int i = 0; i < j->threads; i++) sum += j->sum[i];
        if (sum != r * (long)j->threads * (j->threads + 1) / 2) j->wrong++;
        pool_barrier(j->pool);
    }
}

/* Three times: all chunks of a list, each to exactly one thread; the counter starts again after each barrier. */
static void chunks(void *ctx, int thread)
{
    struct job *j = ctx;
    for (int r = 0; r < 3; r++) {
        for (size_t c; (c = pool_chunk(j->pool)) < CHUNKS;) j->given[c]++;
        pool_barrier(j->pool);
        if (thread == 0)
            for (int c = 0; c < CHUNKS; c++)
                if (j->given[c] != r + 1) j->wrong++;
        pool_barrier(j->pool);
    }
}

/* The same by claims of several. */
static void claims(void *ctx, int thread)
{
    struct job *j = ctx;
    for (int r = 0; r < 3; r++) {
        for (size_t c, n; (c = pool_claim(j->pool, CHUNKS, &n)) < CHUNKS;) {
            if (n < 1 || n > CHUNKS / 2) j->wrong++;
            for (size_t i = c; i < c + n && i < CHUNKS; i++) j->given[i]++;
        }
        pool_barrier(j->pool);
        if (thread == 0)
            for (int c = 0; c < CHUNKS; c++)
                if (j->given[c] != r + 1) j->wrong++;
        pool_barrier(j->pool);
    }
}

/* One thread comes late, so that the others stop spinning and sleep. */
static void late(void *ctx, int thread)
{
    struct job *j = ctx;
    if (thread == j->threads - 1) nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    pool_barrier(j->pool);
    j->ran[thread]++;
}

static void signals_blocked(void *ctx, int thread)
{
    struct job *j = ctx;
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    if (sigismember(&set, SIGINT) != (thread > 0)) j->wrong++;
}

#if defined(__linux__)
struct place {
    cpu_set_t all, one;
    int cpu[MOST];
    atomic_int confined; /* threads that found other CPUs allowed than all */
};

/* Puts its thread on the first CPU, and lets it go again. */
static void huddle(void *ctx, int thread)
{
    struct place *at = ctx;
    (void)thread;
    sched_setaffinity(0, sizeof at->one, &at->one);
    sched_setaffinity(0, sizeof at->all, &at->all);
}

static void note_cpu(void *ctx, int thread)
{
    struct place *at = ctx;
    cpu_set_t mine;
    at->cpu[thread] = sched_getcpu();
    if (sched_getaffinity(0, sizeof mine, &mine) || !CPU_EQUAL(&mine, &at->all)) at->confined++;
}

static bool apart(const struct place *at, int threads)
{
    for (int i = 0; i < threads; i++)
        for (int k = 0; k < i; k++)
            if (at->cpu[i] == at->cpu[k]) return false;
    return true;
}

/* Threads on one CPU of several are on as many within a few dozen jobs, far sooner than the kernel would part them. */
static void test_parting(const cpu_set_t *all, const cpu_set_t *one)
{
    enum { TRIES = 20, JOBS = 80 };
    int threads = CPU_COUNT(all) < 4 ? CPU_COUNT(all) : 4;
    if (threads < 2 || sched_getcpu() < 0) {
        SKIP("pool threads on one CPU part", "one CPU, or the system does not tell which");
        return;
    }
    struct error e = {""};
    struct pool *p = pool_new(threads, &e);
    struct place at = {.all = *all, .one = *one};
    int parted = 0;
    for (int i = 0; p && i < TRIES; i++) {
        pool_run(p, huddle, &at);
        bool once = false;
        for (int k = 0; k < JOBS; k++) {
            pool_run(p, note_cpu, &at);
            once = once || apart(&at, threads);
        }
        parted += once;
    }
    TEST("pool threads on one CPU part", parted >= TRIES / 2, "in %d of %d tries%s%s", parted, TRIES, p ? "" : ": ", e.text);
    TEST("pool threads keep the CPUs they may use", p && !at.confined, "%d times not", at.confined);
    pool_free(p);
}
#endif

static void test_threads(int threads, const char *where)
{
    char name[96];
    struct error e;
    struct job j = {.threads = threads, .pool = pool_new(threads, &e)};
    snprintf(name, sizeof name, "pool %d threads%s: start", threads, where);
    TEST(name, j.pool && pool_threads(j.pool) == threads, "%s", e.text);
    if (!j.pool) return;

    enum { JOBS = 5000 };
    bool each = true;
    for (int i = 0; i < JOBS; i++) pool_run(j.pool, count_run, &j);
    for (int i = 0; i < threads; i++) each = each && j.ran[i] == JOBS;
    snprintf(name, sizeof name, "pool %d threads%s: %d short jobs", threads, where, JOBS);
    TEST(name, each, "thread 0 ran %d of them", j.ran[0]);

    for (int i = 0; i < 20; i++) pool_run(j.pool, rounds, &j);
    snprintf(name, sizeof name, "pool %d threads%s: barriers", threads, where);
    TEST(name, !j.wrong, "%d sums were wrong", j.wrong);

    j.wrong = 0;
    pool_run(j.pool, chunks, &j);
    memset(j.given, 0, sizeof j.given);
    pool_run(j.pool, claims, &j);
    pool_run(j.pool, signals_blocked, &j);
    snprintf(name, sizeof name, "pool %d threads%s: each chunk once, signals to the caller", threads, where);
    TEST(name, !j.wrong, "%d were wrong", j.wrong);

    memset(j.ran, 0, sizeof j.ran);
    each = true;
    for (int i = 0; i < 5; i++) {
        pool_run(j.pool, late, &j);
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL); /* the workers sleep between jobs */
    }
    for (int i = 0; i < threads; i++) each = each && j.ran[i] == 5;
    snprintf(name, sizeof name, "pool %d threads%s: sleep and wake", threads, where);
    TEST(name, each, "a thread missed a job");
    pool_free(j.pool);
}

int main(void)
{
    static const int counts[] = {1, 2, 3, 4, 16}; /* the last is more than the cores of most machines */
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) test_threads(counts[i], "");

    struct error e = {""};
    TEST("pool refuses 0 threads", !pool_new(0, &e) && strstr(e.text, "expected 1 to"), "%s", e.text);
    TEST("pool refuses too many threads", !pool_new(POOL_MAX_THREADS + 1, &e) && strstr(e.text, "found 1025"), "%s", e.text);
    pool_free(NULL);

    int n = pool_default_threads();
    TEST("pool default threads", n >= 1 && n <= POOL_MAX_THREADS, "%d", n);
#if defined(__linux__)
    cpu_set_t old, one;
    CPU_ZERO(&one);
    if (!sched_getaffinity(0, sizeof old, &old)) {
        for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
            if (CPU_ISSET(i, &old)) CPU_SET(i, &one);
        sched_setaffinity(0, sizeof one, &one);
        n = pool_default_threads();
        TEST("pool default threads within the affinity", n == 1, "%d threads on one CPU", n);
        test_threads(3, " on one CPU");
        sched_setaffinity(0, sizeof old, &old);
        test_parting(&old, &one);
    }
#endif
    TEST_MAIN_END();
}
