/* pool.h - a fixed set of threads that run one function together.
 *
 * Workers spin for a short while after a job, then park, so an idle engine costs nothing and a busy one does not pay for a
 * wake-up per step. Inside a job, barriers separate ops and chunks are handed out dynamically, so that a slow or stolen core
 * delays what it has taken and not the whole.
 *
 * On Linux, of up to CPU_SETSIZE CPUs, a thread that begins a job on the CPU of another one is pushed to a CPU where no thread
 * of the pool was, by setting its affinity for a moment; it has the mask it had again before the job runs. Which CPUs share a
 * physical core, and what other processes do, is left to the kernel.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_POOL_H
#define HARTREE_POOL_H

#include "base/error.h"

#include <stddef.h>

struct pool;

enum { POOL_MAX_THREADS = 1024 };

/* `threads` counts the caller: 1 starts none, POOL_MAX_THREADS is the most. NULL and *e if a thread can't be started. */
struct pool *pool_new(int threads, struct error *e);
void pool_free(struct pool *p);
int pool_threads(const struct pool *p);

/* Runs fn(ctx, thread) on every thread, thread 0 being the caller, and returns when all have. */
void pool_run(struct pool *p, void (*fn)(void *ctx, int thread), void *ctx);

/* Inside a job: waits for all threads; all of them then see what the others wrote. The chunk counter is 0 again after it. */
void pool_barrier(struct pool *p);
/* Inside a job: the next chunk's number since the last barrier. Each number is given once. */
size_t pool_chunk(struct pool *p);
/* The same of several at a time: *count numbers from the one returned. Of `total` chunks each claim is a part of those that are
 * left, so that threads seldom ask, work on neighbours, and yet end together: guided self-scheduling (Polychronopoulos and Kuck
 * 1987). Numbers beyond `total` mean that nothing is left. */
size_t pool_claim(struct pool *p, size_t total, size_t *count);

/* Physical cores this process may use (affinity and cgroup quota respected), at least 1. */
int pool_default_threads(void);

#endif
