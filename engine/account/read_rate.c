/* SPDX-License-Identifier: MIT */
#include "engine/account/read_rate.h"

#include "base/clock.h"
#include "kernels/kernel.h"

struct read_run {
    const float *memory;
    size_t n, times; /* floats a thread, and how often it reads them */
};

/* The search for a number above 2, which none is, reads everything and does next to nothing else. */
static void read_slice(void *ctx, int thread)
{
    const struct read_run *r = ctx;
    size_t found;
    const struct find_args a = {.y = &found, .x = r->memory + (size_t)thread * r->n, .n = r->n, .s = 2};
    for (size_t i = 0; i < r->times; i++) K.f32_find_above(&a);
}

double read_rate(struct pool *pool, const void *memory, size_t bytes, double seconds)
{
    size_t threads = (size_t)pool_threads(pool), line = 16; /* floats */
    struct read_run r = {memory, bytes / sizeof(float) / threads / line * line, 1};
    pool_run(pool, read_slice, &r); /* not counted: wakes the threads, fills the caches */
    for (;; r.times *= 2) {
        double start = clock_now();
        pool_run(pool, read_slice, &r);
        double t = clock_now() - start;
        if (t >= seconds) return (double)(r.n * threads * sizeof(float)) * (double)r.times / t;
    }
}
