/* SPDX-License-Identifier: MIT */
#include "bench/layer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/median.h"
#include "base/memory.h"
#include "base/random.h"
#include "engine/account/measure.h"
#include "engine/account/peak.h"
#include "engine/cost.h"
#include "engine/plan_part.h"

/* ---- Names ---- */

/* Whether `name` is `word`, or `word` is "`name`.weight". */
static bool is_named(const char *name, const char *word)
{
    size_t n = strlen(name);
    return !strncmp(name, word, n) && (!word[n] || !strcmp(word + n, ".weight"));
}

/* Whether op i is one of those that `rest`, the name without its layer, means. `attention` is true up to the first residual. */
static bool is_meant(const struct op *op, const char *rest, bool attention)
{
    if (!*rest) return true;
    if (!strcmp(rest, "attn")) return attention;
    if (!strcmp(rest, "ffn")) return !attention;
    size_t n = strlen(rest);
    bool part = !strncmp(op->role, rest, n) && !strncmp(op->role + n, ".mpo.", 5); /* of a factorised layer */
    return part || !strcmp(op->role, rest) || is_named(op->role, rest);
}

bool layer_ops_find(struct layer_ops *l, const struct plan *p, const char *name, struct error *e)
{
    *l = (struct layer_ops){.layer = -1};
    size_t digits = strncmp(name, "blk.", 4) ? 0 : strspn(name + 4, "0123456789"), end = 4 + digits;
    if (digits && digits < 7 && (!name[end] || (name[end] == '.' && name[end + 1]))) {
        l->layer = atoi(name + 4);
        name += end + (name[end] == '.');
    }
    bool *chosen = calloc(p->n_ops, sizeof *chosen);
    if (!chosen) return fail(e, "bench: found no memory for %zu ops", p->n_ops);
    size_t n = 0;
    bool attention = true;
    for (size_t i = 0; i < p->n_ops; i++) {
        const struct op *op = &p->ops[i];
        if (op->layer != l->layer) continue;
        bool group = l->layer < 0 && (!*name || !strcmp(name, "attn") || !strcmp(name, "ffn")); /* only layers are these */
        if (!group && (chosen[i] = is_meant(op, name, attention))) n++, l->w = op->w;
        if (!strcmp(op->role, "attn_residual")) attention = false;
    }
    if (n != 1) l->w = NULL;
    if (n)
        l->chosen = chosen;
    else
        free(chosen);
    return true;
}

void layer_ops_free(struct layer_ops *l)
{
    free(l->chosen);
    l->chosen = NULL;
}

/* ---- The plan cut down to a layer ---- */

/* Angles stand outside the layers, but every layer reads them. */
static bool cut_plan(struct plan_part *cut, const struct plan *p, int layer, struct error *e)
{
    bool *keep = malloc(p->n_ops * sizeof *keep);
    if (!keep) return fail(e, "bench: found no memory for %zu ops", p->n_ops);
    for (size_t i = 0; i < p->n_ops; i++) keep[i] = p->ops[i].layer == layer || p->ops[i].kind == OP_ANGLES;
    bool ok = plan_part_new(cut, p, keep, e);
    free(keep);
    return ok;
}

/* ---- One run ---- */

struct bench {
    const struct bench_layer_options *options;
    const struct layer_ops *ops;
    struct plan_part cut;
    struct step step;
    struct pool *pool;
    struct kv *kv;
    struct exec *exec;
    struct profile *profile;
    int32_t *tokens;
    uint32_t *out_row;
    char *other; /* what is read so that the cache holds nothing of the layer; NULL: the model stays in the cache anyway */
    size_t other_bytes;
    volatile uint64_t *sums; /* one a thread: keeps the loads from being optimised away */
};

static void read_other(void *ctx, int thread)
{
    struct bench *b = ctx;
    size_t n = b->other_bytes / sizeof(uint64_t) / (size_t)pool_threads(b->pool);
    const uint64_t *p = (const uint64_t *)b->other + (size_t)thread * n;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i += 64 / sizeof *p) sum += p[i]; /* a cache line has 64 bytes, or more */
    b->sums[thread] = sum;
}

/* What the ops before this layer would have left: activations in the buffer that the layer reads first, and a full cache. */
static void fill_inputs(struct bench *b)
{
    const struct plan *p = &b->cut.plan;
    size_t first = 0;
    while (first < p->n_ops && p->ops[first].layer < 0) first++;
    if (first == p->n_ops) return; /* the embedding writes all that follows it */
    int src = p->ops[first].src;
    float *x = b->exec->buffer[src];
    uint64_t state = 42;
    for (size_t i = 0; i < b->step.n * p->buffers[src].width; i++) x[i] = (float)(2 * random_fraction(&state) - 1);
    /* These bytes are an ordinary small number in every type of cache. */
    size_t bytes = (size_t)b->kv->n_head * b->kv->capacity * b->kv->row_bytes;
    int slot = b->ops->layer < b->kv->n_layer ? b->ops->layer : 0; /* an encoder's layers share one */
    memset(kv_row(b->kv, b->kv->k, slot, 0, 0), 0x3c, bytes);
    memset(kv_row(b->kv, b->kv->v, slot, 0, 0), 0x3c, bytes);
}

/* Seconds of the chosen ops in one step. */
static double run_once(struct bench *b)
{
    if (b->other) pool_run(b->pool, read_other, b);
    profile_reset(b->profile);
    b->kv->used = b->step.p;
    exec_step(b->exec, b->tokens, b->step.n, b->out_row, b->step.n_out);
    double sum = 0;
    for (size_t i = 0; i < b->cut.plan.n_ops; i++)
        if (b->ops->chosen[b->cut.from[i]]) sum += b->profile->seconds[PHASE_PREFILL * b->cut.plan.n_ops + i];
    return sum;
}

static bool prepare(struct bench *b, const struct plan *p, struct error *e)
{
    const struct bench_layer_options *o = b->options;
    size_t n_out = b->step.n_out;
    if (!cut_plan(&b->cut, p, b->ops->layer, e)) return false;
    b->pool = pool_new(o->threads, e);
    uint64_t needed = kv_bytes(&p->model->hp, o->kv_type, o->past + o->rows) +
                      exec_bytes(&b->cut.plan, o->rows, n_out, o->past + o->rows, o->threads);
    if (needed > memory_available())
        return fail(e, "bench: found %llu MB free, expected %llu MB for cache and buffers",
                    (unsigned long long)(memory_available() >> 20), (unsigned long long)(needed >> 20));
    b->kv = b->pool ? kv_new(&p->model->hp, o->kv_type, o->past + o->rows, e) : NULL;
    b->exec = b->kv ? exec_new(&b->cut.plan, b->kv, b->pool, o->rows, n_out, e) : NULL;
    b->profile = b->exec ? profile_new(&b->cut.plan, o->threads, e) : NULL;
    if (!b->profile) return false;
    b->exec->profile = b->profile;
    b->exec->phase = PHASE_PREFILL;
    b->tokens = fixed_tokens(o->rows, p->model->hp.n_vocab);
    b->out_row = malloc(n_out * sizeof *b->out_row);
    b->sums = calloc((size_t)o->threads, sizeof *b->sums);
    if (b->other_bytes) b->other = memory_new(b->other_bytes);
    if (!b->tokens || !b->out_row || !b->sums || (b->other_bytes && !b->other))
        return fail(e, "bench: found no memory for %zu rows", o->rows);
    for (size_t i = 0; i < n_out; i++) b->out_row[i] = (uint32_t)(o->rows - n_out + i);
    if (b->other) memset(b->other, 1, b->other_bytes); /* pages that were never written are all the same zeros */
    fill_inputs(b);
    return true;
}

static void release(struct bench *b)
{
    free((void *)b->sums);
    free(b->other);
    free(b->out_row);
    free(b->tokens);
    profile_free(b->profile);
    exec_free(b->exec);
    kv_free(b->kv);
    pool_free(b->pool);
    plan_part_free(&b->cut);
}

/* ---- All of it ---- */

/* Which arithmetic an op's FLOPs are. */
static enum kernel_peak op_peak(const struct op *op)
{
    if (op->kind == OP_LINEAR || op->kind == OP_CORE) return type_get(op->w->type)->activation == TYPE_F32 ? PEAK_F32 : PEAK_I8;
    return op_multiplies(op) || op->kind == OP_ATTEND ? PEAK_F32 : PEAK_NONE;
}

/* The peaks of both kinds; asked twice, before and after, the larger stays. */
static void take_peaks(double peaks[], struct pool *pool)
{
    for (int kind = PEAK_I8; kind <= PEAK_F32; kind++) peaks[kind] = fmax(peaks[kind], peak_rate((enum kernel_peak)kind, pool));
}

static bool run_all(struct bench *b, const struct plan *p, struct bench_layer_result *r, struct error *e)
{
    const struct bench_layer_options *o = b->options;
    double peaks[] = {[PEAK_NONE] = NAN, [PEAK_I8] = NAN, [PEAK_F32] = NAN}, t[BENCH_LAYER_MAX_REPEATS];
    take_peaks(peaks, b->pool);
    run_once(b); /* not counted: pages and branches */
    for (int i = 0; i < o->repeats; i++) {
        if (o->interrupted && *o->interrupted) return fail(e, "interrupted");
        t[i] = run_once(b);
    }
    take_peaks(peaks, b->pool);
    r->time_s = median(t, (size_t)o->repeats);
    double at_peak = 0;
    for (size_t i = 0; i < p->n_ops; i++) {
        double flops = b->ops->chosen[i] ? cost_op(p, i, &b->step).flops : 0;
        if (flops > 0) at_peak += flops / peaks[op_peak(&p->ops[i])];
    }
    r->share_of_peak = at_peak > 0 ? at_peak / r->time_s : NAN;
    return true;
}

bool bench_layer(struct bench_layer_result *r, const struct plan *p, const struct layer_ops *l, const struct device *d,
                 const struct bench_layer_options *o, struct error *e)
{
    *r = (struct bench_layer_result){.share_of_peak = NAN};
    if (o->repeats < 1 || o->repeats > BENCH_LAYER_MAX_REPEATS || o->rows < 1)
        return fail(e, "bench: found %zu rows and %d repeats, expected 1 to %d", o->rows, o->repeats, BENCH_LAYER_MAX_REPEATS);
    if (p->model->arch->encoder && o->past + o->rows > (size_t)p->model->hp.n_ctx_train)
        return fail(e, "bench: found %zu rows after %zu, expected at most the %d that the encoder reads", o->rows, o->past,
                    p->model->hp.n_ctx_train);
    struct bench b = {.options = o, .ops = l};
    b.step = (struct step){.n = o->rows, .p = o->past, .n_out = l->layer < 0 ? o->rows : 1, .kv_type = o->kv_type};
    struct prediction_row *rows = calloc(p->n_ops, sizeof *rows);
    bool ok = (rows || fail(e, "bench: found no memory for %zu ops", p->n_ops)) &&
              predict_step(rows, p, d, o->threads, &b.step, e);
    double streamed = 0, llc = device_get(d, "llc");
    for (size_t i = 0; ok && i < p->n_ops; i++) {
        streamed += rows[i].streamed_bytes;
        if (!l->chosen[i]) continue;
        r->flops += rows[i].flops;
        r->bytes += rows[i].bytes;
        r->predicted_s += rows[i].time_s;
    }
    free(rows);
    if (streamed > llc) b.other_bytes = 2 * (size_t)llc;
    ok = ok && prepare(&b, p, e) && run_all(&b, p, r, e);
    release(&b);
    return ok;
}
