/* SPDX-License-Identifier: MIT */
#include "engine/compress/trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/exec.h"
#include "engine/plan_part.h"

enum {
    SEQUENCES = 3,
    CONTEXT = 192,
    OUT_ROWS = 32, /* of logits at once */
    KEPT = 256,    /* tokens of a position that are compared */
};

struct trial {
    const struct model *model;
    struct plan *plan; /* the original's */
    struct pool *pool;
    struct kv *kv;
    int32_t *ids;  /* sequences x context */
    float *stream; /* sequences x context x n_embd: into the layer at hand */
    size_t sequences, context, n_embd;
    int layer;
    const struct tensor *head; /* what makes logits of the last buffer of all */
    int hidden, x;             /* that, and the residual stream */
    int kept;                  /* tokens of a position */
    int32_t *id;               /* kept ids of each position */
    double *log_p;             /* their log-probabilities among themselves */
};

/* ---- Parts of a plan ---- */

enum part { PART_EMBED, PART_LAYERS, PART_HIDDEN, PART_LOGITS };

/* Layers first .. end - 1 of PART_LAYERS; of the others what stands before the layers, after them, and after them with the
 * logits. */
static bool part_of(struct plan_part *part, const struct plan *p, enum part which, int first, int end, struct error *e)
{
    bool *keep = malloc(p->n_ops * sizeof *keep);
    if (!keep) return fail(e, "trial: found no memory for %zu ops", p->n_ops);
    for (size_t i = 0; i < p->n_ops; i++) {
        const struct op *op = &p->ops[i];
        bool inside = op->layer >= first && op->layer < end, before = op->kind == OP_EMBED, angles = op->kind == OP_ANGLES;
        bool after = op->layer < 0 && !before && !angles;
        keep[i] = which == PART_EMBED    ? before
                  : which == PART_LAYERS ? inside || angles
                                         : after && (which == PART_LOGITS || op->dst != p->logits);
    }
    bool ok = plan_part_new(part, p, keep, e);
    free(keep);
    return ok;
}

static void run_part(struct trial *t, struct exec *x, const struct plan *p, size_t sequence, const uint32_t *out, size_t n_out)
{
    x->plan = p;
    t->kv->used = 0;
    exec_step(x, t->ids + sequence * t->context, t->context, out, n_out);
}

/* What is done with a sequence's rows of the last buffer of all, or with their logits. */
typedef void rows_fn(struct trial *t, const struct exec *x, size_t position, size_t rows, double *sum);

/* All sequences from the layer at hand on, or, with end, through layers to before that one. */
static bool run_all(struct trial *t, const struct plan *p, int end, enum part last, rows_fn *fn, double *sum, struct error *e)
{
    struct plan_part layers = {.from = NULL}, tail = {.from = NULL};
    struct exec *x = exec_new(p, t->kv, t->pool, t->context, OUT_ROWS, e);
    bool ok = x && part_of(&layers, p, PART_LAYERS, t->layer, end, e) && part_of(&tail, p, last, 0, 0, e);
    size_t floats = t->context * t->n_embd;
    for (size_t s = 0; ok && s < t->sequences; s++) {
        memcpy(x->buffer[t->x], t->stream + s * floats, floats * sizeof(float));
        run_part(t, x, &layers.plan, s, NULL, 0);
        if (!fn) memcpy(t->stream + s * floats, x->buffer[t->x], floats * sizeof(float));
        for (size_t at = 0, n; fn && at < t->context; at += n) {
            uint32_t out[OUT_ROWS];
            n = t->context - at < OUT_ROWS ? t->context - at : OUT_ROWS;
            for (size_t r = 0; r < n; r++) out[r] = (uint32_t)(at + r);
            run_part(t, x, &tail.plan, s, out, n);
            fn(t, x, s * t->context + at, n, sum);
        }
    }
    if (x) x->plan = p; /* of which it frees the buffers */
    exec_free(x);
    plan_part_free(&layers);
    plan_part_free(&tail);
    return ok;
}

/* ---- Positions ---- */

struct rows_job {
    struct trial *t;
    const struct exec *x;
    size_t position, rows;
    double kl[OUT_ROWS];
};

/* z less the logarithm of the sum of their exponentials. */
static void normalise(double *z, int n)
{
    double most = -INFINITY, sum = 0;
    for (int k = 0; k < n; k++) most = fmax(most, z[k]);
    for (int k = 0; k < n; k++) sum += exp(z[k] - most);
    for (int k = 0; k < n; k++) z[k] -= most + log(sum);
}

/* Puts id[i] where it belongs in a heap whose top is the least likely. */
static void sift(int32_t *id, int n, int i, const float *p)
{
    for (int child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && p[id[child + 1]] < p[id[child]]) child++;
        if (p[id[i]] <= p[id[child]]) return;
        int32_t moved = id[i];
        id[i] = id[child], id[child] = moved;
    }
}

/* The likeliest n, in no order. */
static void likeliest(const float *p, int n_vocab, int32_t *id, int n)
{
    for (int i = 0; i < n; i++) id[i] = i;
    for (int i = n / 2 - 1; i >= 0; i--) sift(id, n, i, p);
    for (int i = n; i < n_vocab; i++)
        if (p[i] > p[id[0]]) id[0] = i, sift(id, n, 0, p);
}

static double logit(const struct tensor *head, int32_t id, const float *hidden, size_t n)
{
    enum { PIECE = 256 }; /* whole blocks of every type */
    float row[PIECE];
    double sum = 0;
    for (size_t at = 0, m; at < n; at += m) {
        m = n - at < PIECE ? n - at : PIECE;
        type_dequantise(head->type, row, (const char *)tensor_row(head, id) + type_bytes(head->type, at), m);
        for (size_t i = 0; i < m; i++) sum += (double)(row[i] * hidden[at + i]);
    }
    return sum;
}

/* Of the kept tokens among themselves. */
static void log_probabilities(const struct trial *t, const float *hidden, const int32_t *id, double *z)
{
    for (int k = 0; k < t->kept; k++) z[k] = logit(t->head, id[k], hidden, t->n_embd);
    normalise(z, t->kept);
}

static void remember_rows(void *ctx, int thread)
{
    (void)thread;
    struct rows_job *j = ctx;
    struct trial *t = j->t;
    size_t n_vocab = (size_t)t->model->hp.n_vocab, kept = (size_t)t->kept;
    for (size_t r; (r = pool_chunk(t->pool)) < j->rows;) {
        const float *logits = (const float *)j->x->buffer[t->plan->logits] + r * n_vocab;
        int32_t *id = t->id + (j->position + r) * kept;
        double *log_p = t->log_p + (j->position + r) * kept;
        likeliest(logits, t->model->hp.n_vocab, id, t->kept);
        log_probabilities(t, exec_row(j->x, t->hidden, r), id, log_p); /* summed as a trial sums them */
    }
}

static void compare_rows(void *ctx, int thread)
{
    (void)thread;
    struct rows_job *j = ctx;
    struct trial *t = j->t;
    for (size_t r; (r = pool_chunk(t->pool)) < j->rows;) {
        const float *hidden = exec_row(j->x, t->hidden, r);
        const int32_t *id = t->id + (j->position + r) * (size_t)t->kept;
        const double *log_p = t->log_p + (j->position + r) * (size_t)t->kept;
        double z[KEPT], kl = 0;
        log_probabilities(t, hidden, id, z);
        for (int k = 0; k < t->kept; k++) kl += exp(log_p[k]) * (log_p[k] - z[k]);
        j->kl[r] = kl;
    }
}

static void remember(struct trial *t, const struct exec *x, size_t position, size_t rows, double *sum)
{
    (void)sum;
    struct rows_job j = {.t = t, .x = x, .position = position, .rows = rows};
    pool_run(t->pool, remember_rows, &j);
}

static void compare(struct trial *t, const struct exec *x, size_t position, size_t rows, double *sum)
{
    struct rows_job j = {.t = t, .x = x, .position = position, .rows = rows};
    pool_run(t->pool, compare_rows, &j);
    for (size_t r = 0; r < rows; r++) *sum += j.kl[r];
}

/* ---- All of it ---- */

static bool embed(struct trial *t, struct error *e)
{
    struct plan_part part;
    struct exec *x = exec_new(t->plan, t->kv, t->pool, t->context, OUT_ROWS, e);
    bool ok = x && part_of(&part, t->plan, PART_EMBED, 0, 0, e);
    size_t floats = t->context * t->n_embd;
    for (size_t s = 0; ok && s < t->sequences; s++) {
        run_part(t, x, &part.plan, s, NULL, 0);
        memcpy(t->stream + s * floats, x->buffer[t->x], floats * sizeof(float));
    }
    if (ok) plan_part_free(&part);
    if (x) x->plan = t->plan;
    exec_free(x);
    return ok;
}

/* Sequences from all over the calibration text. */
static bool take_text(struct trial *t, const struct calibration *c, struct error *e)
{
    t->context = c->context < CONTEXT ? c->context : CONTEXT;
    t->sequences = c->sequences < SEQUENCES ? c->sequences : SEQUENCES;
    size_t positions = t->sequences * t->context;
    t->kept = t->model->hp.n_vocab < KEPT ? t->model->hp.n_vocab : KEPT;
    t->ids = malloc(positions * sizeof *t->ids);
    t->stream = memory_new(positions * t->n_embd * sizeof *t->stream);
    t->id = malloc(positions * (size_t)t->kept * sizeof *t->id);
    t->log_p = malloc(positions * (size_t)t->kept * sizeof *t->log_p);
    if (!t->ids || !t->stream || !t->id || !t->log_p) return fail(e, "trial: found no memory for %zu positions", positions);
    for (size_t s = 0; s < t->sequences; s++)
        memcpy(t->ids + s * t->context, c->id + s * c->sequences / t->sequences * c->context, t->context * sizeof *t->ids);
    return true;
}

struct trial *trial_new(const struct model *m, const struct calibration *c, int threads, struct error *e)
{
    struct trial *t = calloc(1, sizeof *t);
    if (!t) {
        fail(e, "trial: found no memory");
        return NULL;
    }
    *t = (struct trial){.model = m, .n_embd = (size_t)m->hp.n_embd};
    t->plan = plan_new(m, true, e);
    t->pool = t->plan ? pool_new(threads, e) : NULL;
    bool ok = t->pool && take_text(t, c, e);
    t->kv = ok ? kv_new(&m->hp, TYPE_F32, t->context, e) : NULL;
    ok = t->kv;
    for (size_t i = 0; ok && i < t->plan->n_ops; i++) {
        const struct op *op = &t->plan->ops[i];
        if (op->kind == OP_EMBED) t->x = op->dst;
        if (op->dst != t->plan->logits) continue;
        t->head = op->w, t->hidden = op->src;
        ok = op->kind == OP_LINEAR ||
             fail(e, "output: found cores, expected a matrix: a model that is factorised stays as it is");
    }
    ok = ok && embed(t, e) && run_all(t, t->plan, m->hp.n_layer, PART_LOGITS, remember, NULL, e);
    if (ok) return t;
    trial_free(t);
    return NULL;
}

void trial_free(struct trial *t)
{
    if (!t) return;
    kv_free(t->kv);
    pool_free(t->pool);
    plan_free(t->plan);
    free(t->ids);
    free(t->stream);
    free(t->id);
    free(t->log_p);
    free(t);
}

bool trial_advance(struct trial *t, int layer, struct error *e)
{
    if (layer <= t->layer) return true;
    bool ok = run_all(t, t->plan, layer, PART_HIDDEN, NULL, NULL, e);
    t->layer = layer;
    return ok;
}

bool trial_run(struct trial *t, const struct model *changed, double *kl, struct error *e)
{
    struct plan *p = plan_new(changed, true, e);
    double sum = 0;
    bool ok = p && run_all(t, p, t->model->hp.n_layer, PART_HIDDEN, compare, &sum, e);
    plan_free(p);
    *kl = sum / (double)(t->sequences * t->context);
    return ok;
}
