/* SPDX-License-Identifier: MIT */
#include "engine/exec.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/ops/attention.h"

static size_t buffer_bytes(const struct plan_buffer *b, size_t max_rows, size_t max_out)
{
    return b->host == NO_BUFFER ? buffer_row_bytes(b) * (b->sampled ? max_out : max_rows) : 0;
}

/* Floats that the op with the most of them works with on each thread. */
static size_t scratch_elements(const struct plan *p)
{
    size_t most = 0;
    for (size_t i = 0; i < p->n_ops; i++) {
        const struct op_def *def = op_defs[p->ops[i].kind];
        size_t n = def->scratch ? def->scratch(&p->ops[i], p) : 0;
        if (n > most) most = n;
    }
    return most;
}

/* Elements of the parts of attention that the op with the most of them leaves. */
static size_t attend_elements(const struct plan *p, size_t positions)
{
    size_t most = 0;
    for (size_t i = 0; i < p->n_ops; i++) {
        size_t n = p->ops[i].kind == OP_ATTEND ? attend_scratch(&p->ops[i], positions) : 0;
        if (n > most) most = n;
    }
    return most;
}

size_t exec_bytes(const struct plan *p, size_t max_rows, size_t max_out, size_t positions, int threads)
{
    size_t sum = ((size_t)threads * scratch_elements(p) + attend_elements(p, positions)) * sizeof(float);
    for (size_t i = 0; i < p->n_buffers; i++) sum += buffer_bytes(&p->buffers[i], max_rows, max_out);
    return sum;
}

struct exec *exec_new(const struct plan *p, struct kv *kv, struct pool *pool, size_t max_rows, size_t max_out, struct error *e)
{
    struct exec *x = calloc(1, sizeof *x);
    if (!x) {
        fail(e, "engine: found no memory");
        return NULL;
    }
    x->plan = p;
    x->kv = kv;
    x->pool = pool;
    int threads = pool_threads(pool);
    size_t scratch = scratch_elements(p);
    x->buffer = calloc(p->n_buffers, sizeof *x->buffer);
    x->scratch = calloc((size_t)threads, sizeof *x->scratch);
    size_t attend = attend_elements(p, kv->capacity);
    x->attend.parts = attend ? memory_new(attend * sizeof(float)) : NULL;
    x->attend.done = calloc((size_t)kv->n_head, sizeof *x->attend.done);
    bool ok = x->buffer && x->scratch && (x->attend.parts || !attend) && x->attend.done;
    for (size_t i = 0; ok && i < p->n_buffers; i++)
        if (p->buffers[i].host == NO_BUFFER)
            ok = (x->buffer[i] = memory_new(buffer_bytes(&p->buffers[i], max_rows, max_out)));
        else
            x->buffer[i] = (float *)x->buffer[p->buffers[i].host] + p->buffers[i].skip * max_rows; /* the host is older */
    for (int t = 0; ok && scratch && t < threads; t++) ok = (x->scratch[t] = memory_new(scratch * sizeof(float)));
    if (!ok) {
        fail(e, "steps of %zu tokens: found no memory for buffers of %zu MB", max_rows,
             exec_bytes(p, max_rows, max_out, kv->capacity, threads) >> 20);
        exec_free(x);
        return NULL;
    }
    return x;
}

void exec_free(struct exec *x)
{
    if (!x) return;
    for (size_t i = 0; x->buffer && i < x->plan->n_buffers; i++)
        if (x->plan->buffers[i].host == NO_BUFFER) free(x->buffer[i]);
    for (int t = 0; x->scratch && t < pool_threads(x->pool); t++) free(x->scratch[t]);
    free(x->buffer);
    free(x->scratch);
    free(x->attend.parts);
    free(x->attend.done);
    free(x);
}

static size_t chain_end(const struct plan *p, size_t op)
{
    for (op++; op < p->n_ops && p->ops[op].chained; op++) continue;
    return op;
}

/* Books the time since *since to an op, if time is kept. */
static void stamp(double *busy, size_t op, double *since)
{
    if (!busy) return;
    double now = clock_now();
    busy[op] += now - *since;
    *since = now;
}

size_t stage_chunks(const struct plan *p, size_t stage, const struct step *s)
{
    size_t chunks = 0;
    for (size_t i = p->stage[stage]; i < p->stage[stage + 1]; i++)
        if (!p->ops[i].chained) chunks += op_defs[p->ops[i].kind]->chunks(&p->ops[i], s);
    return chunks;
}

/* Runs chunks of one stage until none is left. Chunk numbers run through the stage's chains in order, so a thread's chain only
 * ever moves on, and an op that joins chunks gets all of a claim that are its own; the profile needs a stamp when it does, and
 * after every op of a chain of several. */
static void run_stage(struct exec *x, size_t stage, int thread)
{
    const struct plan *p = x->plan;
    const size_t first = p->stage[stage], end = p->stage[stage + 1], total = stage_chunks(p, stage, &x->step);
    double *busy = x->profile && end - first > 1 ? x->profile->busy + (size_t)thread * p->n_ops : NULL;
    if (busy)
        for (size_t i = first; i < end; i++) busy[i] = 0;
    size_t op = first, next = chain_end(p, op), begin = 0, n = op_defs[p->ops[op].kind]->chunks(&p->ops[op], &x->step);
    double since = busy ? clock_now() : 0;
    for (size_t chunk = 0, left = 0, count;; chunk += count, left -= count) {
        if (!left) chunk = pool_claim(x->pool, total, &left);
        while (chunk >= begin + n && next < end) {
            stamp(busy, next - 1, &since);
            begin += n;
            op = next;
            next = chain_end(p, op);
            n = op_defs[p->ops[op].kind]->chunks(&p->ops[op], &x->step);
        }
        if (chunk >= begin + n) break;
        const struct op_def *def = op_defs[p->ops[op].kind];
        if (def->run_joined) {
            count = left < begin + n - chunk ? left : begin + n - chunk;
            def->run_joined(&p->ops[op], x, chunk - begin, count, thread);
            continue;
        }
        count = 1;
        for (size_t i = op; i < next; i++) {
            op_defs[p->ops[i].kind]->run(&p->ops[i], x, chunk - begin, thread);
            if (next - op > 1) stamp(busy, i, &since);
        }
    }
    stamp(busy, next - 1, &since);
}

static void run_step(void *ctx, int thread)
{
    struct exec *x = ctx;
    const struct plan *p = x->plan;
    double since = x->profile && thread == 0 ? clock_now() : 0;
    for (size_t s = 0; s < p->n_stages; s++) {
        run_stage(x, s, thread);
        if (x->profile) profile_arrive(x->profile, s, thread);
        /* All threads leave after the same stage: who is late at its barrier may read the word of the next one's end. */
        if (thread == 0 && x->interrupted && *x->interrupted) {
            size_t last = p->n_stages;
            atomic_compare_exchange_strong(&x->last_stage, &last, s);
        }
        pool_barrier(x->pool);
        if (atomic_load(&x->last_stage) <= s) return;
        if (x->profile && thread == 0) {
            double end = profile_stage_end(x->profile, s);
            profile_stage(x->profile, x->phase, p->stage[s], p->stage[s + 1], end - since);
            since = end;
        }
    }
}

float *exec_step(struct exec *x, const int32_t *tokens, size_t n, const uint32_t *out_row, size_t n_out)
{
    double start = x->profile ? clock_now() : 0;
    x->step = (struct step){.n = n, .p = x->kv->used, .n_out = n_out, .kv_type = x->kv->type};
    x->tokens = tokens;
    x->out_row = out_row;
    atomic_store(&x->last_stage, x->plan->n_stages);
    pool_run(x->pool, run_step, x);
    if (atomic_load(&x->last_stage) < x->plan->n_stages) return NULL;
    x->kv->used += n;
    if (x->profile) {
        x->profile->step_seconds[x->phase] += clock_now() - start;
        x->profile->steps[x->phase]++;
    }
    return x->buffer[x->plan->logits];
}
