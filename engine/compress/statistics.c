/* SPDX-License-Identifier: MIT */
#include "engine/compress/statistics.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/exec.h"
#include "engine/plan_part.h"
#include "kernels/kernel.h"

const char *const site_roles[SITE_COUNT][SITE_MAX_ROLES] = {
    [SITE_QKV] = {"attn_q", "attn_k", "attn_v"},
    [SITE_OUTPUT] = {"attn_output"},
    [SITE_GATE_UP] = {"ffn_gate", "ffn_up"},
    [SITE_DOWN] = {"ffn_down"},
};

/* ---- The text ---- */

bool calibration_read(struct calibration *c, const struct model *m, const char *text, size_t len, size_t context, size_t tokens,
                      struct error *e)
{
    const struct tokenizer *t = m->tokenizer;
    struct tokens ids = {0};
    if (!tokenize(t, text, len, TOKENIZE_ADD_SPECIAL, &ids, e)) return false;
    size_t sequences = ids.n / context, most = (tokens + context - 1) / context;
    if (tokens && sequences > most) sequences = most;
    if (!sequences) {
        fail(e, "text: found %zu tokens, expected at least one sequence of %zu", ids.n, context);
        tokens_free(&ids);
        return false;
    }
    for (size_t s = 0; s < sequences && t->add_bos && t->bos >= 0; s++) ids.id[s * context] = t->bos;
    *c = (struct calibration){ids.id, sequences, context};
    return true;
}

void calibration_free(struct calibration *c)
{
    free(c->id);
    *c = (struct calibration){.id = NULL};
}

/* ---- A layer, in parts ---- */

/* A layer stops where inputs and outputs of its branches still stand in their buffers: before what adds the attention's branch
 * to the stream, before the gate is put to use, and before what adds the FFN's. */
enum { PART_ATTENTION, PART_GATES, PART_FFN, PART_END, PART_COUNT };

struct layer_parts {
    struct plan_part part[PART_COUNT];
    int stream, input[SITE_COUNT], branch, gate, up; /* buffers */
    enum activation activation;
};

static const struct op *find_op(const struct plan *p, int layer, const char *role, size_t *stage)
{
    for (size_t s = 0; s < p->n_stages; s++)
        for (size_t i = p->stage[s]; i < p->stage[s + 1]; i++)
            if (p->ops[i].layer == layer && !strcmp(p->ops[i].role, role)) {
                if (stage) *stage = s;
                return &p->ops[i];
            }
    return NULL;
}

/* The stage in which a branch is normed, if it is, and added: from there on its buffer is another. */
static size_t branch_stage(const struct plan *p, int layer, const char *norm, const char *residual)
{
    size_t stage = 0;
    if (!find_op(p, layer, norm, &stage)) find_op(p, layer, residual, &stage);
    return stage;
}

static void layer_parts_free(struct layer_parts *l)
{
    for (int i = 0; i < PART_COUNT; i++) plan_part_free(&l->part[i]);
}

static bool layer_parts_new(struct layer_parts *l, const struct plan *p, int layer, struct error *e)
{
    *l = (struct layer_parts){.branch = find_op(p, layer, "attn_residual", NULL)->src};
    size_t act = 0;
    const struct op *glu = find_op(p, layer, "ffn_act", &act);
    l->gate = glu->src, l->up = glu->src2, l->activation = glu->u.glu.activation;
    l->stream = find_op(p, layer, "attn_norm", NULL)->src;
    l->input[SITE_QKV] = find_op(p, layer, "attn_norm", NULL)->dst;
    l->input[SITE_OUTPUT] = find_op(p, layer, "attend", NULL)->dst;
    l->input[SITE_GATE_UP] = find_op(p, layer, "ffn_norm", NULL)->dst;
    l->input[SITE_DOWN] = find_op(p, layer, "ffn_act", NULL)->dst;
    size_t begin[PART_COUNT + 1] = {0, branch_stage(p, layer, "post_attention_norm", "attn_residual"), act,
                                    branch_stage(p, layer, "post_ffw_norm", "ffn_residual"), p->n_stages};
    bool *keep = malloc(p->n_ops * sizeof *keep), ok = keep || fail(e, "statistics: found no memory for %zu ops", p->n_ops);
    for (int part = 0; ok && part < PART_COUNT; part++) {
        for (size_t i = 0; i < p->n_ops; i++) {
            bool inside = i >= p->stage[begin[part]] && i < p->stage[begin[part + 1]];
            keep[i] = (p->ops[i].layer == layer && inside) || (p->ops[i].kind == OP_ANGLES && part == 0);
        }
        ok = plan_part_new(&l->part[part], p, keep, e);
    }
    free(keep);
    if (!ok) layer_parts_free(l);
    return ok;
}

/* ---- The run ---- */

struct run {
    const struct calibration *calibration;
    const struct statistics_options *options;
    struct plan *plan;
    struct pool *pool;
    struct kv *kv;
    struct exec *exec; /* of the model's own plan; its parts run on it */
    float *before, *after;
    size_t n_embd;
    float *weight; /* of a sequence's tokens */
    bool weighted; /* outputs are normed */
    struct moments input[SITE_COUNT], slope[SLOPE_COUNT];
    float *slopes[SLOPE_COUNT]; /* of a sequence's tokens: n_ff each */
    uint64_t done, total;
};

static void run_part(struct exec *x, const struct plan *p, const int32_t *ids, size_t n)
{
    x->plan = p;
    x->kv->used = 0;
    exec_step(x, ids, n, NULL, 0);
}

/* The embeddings of all ids. */
static bool embed(struct run *r, struct error *e)
{
    const struct plan *p = r->plan;
    struct plan_part part;
    bool *keep = malloc(p->n_ops * sizeof *keep);
    if (!keep) return fail(e, "statistics: found no memory for %zu ops", p->n_ops);
    int stream = NO_BUFFER;
    for (size_t i = 0; i < p->n_ops; i++)
        if ((keep[i] = p->ops[i].kind == OP_EMBED)) stream = p->ops[i].dst;
    bool ok = plan_part_new(&part, p, keep, e);
    free(keep);
    size_t context = r->calibration->context, floats = context * r->n_embd;
    for (size_t s = 0; ok && s < r->calibration->sequences; s++) {
        run_part(r->exec, &part.plan, r->calibration->id + s * context, context);
        memcpy(r->before + s * floats, r->exec->buffer[stream], floats * sizeof(float));
    }
    if (ok) plan_part_free(&part);
    return ok;
}

/* w of each token: the norm that follows divides by the root of mean(y^2) + eps. */
static const float *token_weights(struct run *r, const float *y)
{
    if (!r->weighted) return NULL;
    double eps = (double)r->plan->model->hp.eps;
    for (size_t t = 0; t < r->calibration->context; t++) {
        double sum = 0;
        for (size_t i = 0; i < r->n_embd; i++) sum += (double)y[t * r->n_embd + i] * (double)y[t * r->n_embd + i];
        r->weight[t] = (float)(1 / (sum / (double)r->n_embd + eps));
    }
    return r->weight;
}

/* Takes the sums of two inputs, one of them that of the branch's last product; the weights of its tokens. */
static const float *take(struct run *r, const struct layer_parts *l, int first, int last)
{
    size_t context = r->calibration->context;
    struct exec *x = r->exec;
    const float *weight = token_weights(r, x->buffer[l->branch]);
    moments_add(&r->input[first], x->buffer[l->input[first]], NULL, context, r->pool);
    moments_add(&r->input[last], x->buffer[l->input[last]], weight, context, r->pool);
    return weight;
}

struct slope_job {
    struct run *run;
    const struct layer_parts *parts;
};

/* d (act(g) u) / dg by the kernel itself, as a difference: activations are written once. */
static void slopes_of_rows(void *ctx, int thread)
{
    (void)thread;
    enum { PIECE = 256 };
    static const float step = 1.0f / 64; /* the third derivative's share is below 1e-4, rounding's below 1e-5 */
    const struct slope_job *j = ctx;
    struct run *r = j->run;
    const float *gate = r->exec->buffer[j->parts->gate], *up = r->exec->buffer[j->parts->up];
    size_t n = r->slope[0].n;
    void (*act)(const struct glu_args *) = j->parts->activation == ACT_SILU ? K.f32_silu_mul : K.f32_gelu_mul;
    for (size_t row; (row = pool_chunk(r->pool)) < r->calibration->context;)
        for (size_t at = row * n; at < (row + 1) * n; at += PIECE) {
            float above[PIECE], below[PIECE], one[PIECE];
            size_t m = (row + 1) * n - at < PIECE ? (row + 1) * n - at : PIECE;
            for (size_t i = 0; i < m; i++) above[i] = gate[at + i] + step, below[i] = gate[at + i] - step, one[i] = 1;
            act(&(struct glu_args){.y = r->slopes[SLOPE_UP] + at, .gate = gate + at, .up = one, .n = m});
            act(&(struct glu_args){.y = above, .gate = above, .up = up + at, .n = m});
            act(&(struct glu_args){.y = below, .gate = below, .up = up + at, .n = m});
            for (size_t i = 0; i < m; i++) r->slopes[SLOPE_GATE][at + i] = (above[i] - below[i]) / (2 * step);
        }
}

static void take_slopes(struct run *r, const struct layer_parts *l)
{
    struct slope_job j = {r, l};
    pool_run(r->pool, slopes_of_rows, &j);
}

/* All sequences through one layer of the plan that x was made for. */
static bool run_layer(struct run *r, struct exec *x, const struct layer_parts *l, bool sums, struct error *e)
{
    size_t context = r->calibration->context, floats = context * r->n_embd;
    for (size_t s = 0; s < r->calibration->sequences; s++) {
        const int32_t *ids = r->calibration->id + s * context;
        if (r->options->stop && *r->options->stop) return fail(e, "interrupted");
        memcpy(x->buffer[l->stream], r->before + s * floats, floats * sizeof(float));
        run_part(x, &l->part[PART_ATTENTION].plan, ids, context);
        if (sums) take(r, l, SITE_QKV, SITE_OUTPUT);
        run_part(x, &l->part[PART_GATES].plan, ids, context);
        if (sums && r->options->slopes) take_slopes(r, l);
        run_part(x, &l->part[PART_FFN].plan, ids, context);
        const float *weight = sums ? take(r, l, SITE_GATE_UP, SITE_DOWN) : NULL;
        for (int i = 0; sums && r->options->slopes && i < SLOPE_COUNT; i++)
            moments_add(&r->slope[i], r->slopes[i], weight, context, r->pool);
        run_part(x, &l->part[PART_END].plan, ids, context);
        memcpy(r->after + s * floats, x->buffer[l->stream], floats * sizeof(float));
        r->done++;
        if (r->options->progress) r->options->progress(r->options->progress_ctx, r->done, r->total);
    }
    return true;
}

static void free_sums(struct run *r)
{
    for (int i = 0; i < SITE_COUNT; i++) moments_free(&r->input[i]);
    for (int i = 0; i < SLOPE_COUNT; i++) moments_free(&r->slope[i]);
}

static bool new_sums(struct run *r, const struct layer_parts *l, struct error *e)
{
    for (int i = 0; i < SITE_COUNT; i++)
        if (!moments_new(&r->input[i], r->plan->buffers[l->input[i]].width, r->options->diagonal, pool_threads(r->pool), e))
            return false;
    for (int i = 0; r->options->slopes && i < SLOPE_COUNT; i++)
        if (!moments_new(&r->slope[i], r->plan->buffers[l->gate].width, true, pool_threads(r->pool), e))
            return false;
    return true;
}

/* The layer once more, as the callback has changed it. */
static bool run_changed(struct run *r, const struct plan *changed, int layer, struct error *e)
{
    struct layer_parts l;
    if (!layer_parts_new(&l, changed, layer, e)) return false;
    struct exec *x = exec_new(changed, r->kv, r->pool, r->calibration->context, 1, e);
    r->total += r->calibration->sequences;
    bool ok = x && run_layer(r, x, &l, false, e);
    exec_free(x);
    layer_parts_free(&l);
    return ok;
}

static bool one_layer(struct run *r, int layer, statistics_fn *fn, void *ctx, struct error *e)
{
    struct layer_parts l;
    bool sums = layer >= r->options->first;
    if (!layer_parts_new(&l, r->plan, layer, e)) return false;
    bool ok = (!sums || new_sums(r, &l, e)) && run_layer(r, r->exec, &l, sums, e);
    layer_parts_free(&l);
    struct statistics_layer s = {.layer = layer,
                                 .n_layers = r->plan->model->hp.n_layer,
                                 .calibration = r->calibration,
                                 .before = r->before,
                                 .after = r->after,
                                 .pool = r->pool};
    for (int i = 0; ok && sums && i < SITE_COUNT; i++) {
        s.input[i] = &r->input[i];
        ok = moments_finish(&r->input[i], r->pool) ||
             fail(e, "layer %d: found inputs of %s that are not finite, expected numbers", layer, site_roles[i][0]);
    }
    for (int i = 0; ok && sums && r->options->slopes && i < SLOPE_COUNT; i++) {
        s.slope[i] = &r->slope[i];
        ok = moments_finish(&r->slope[i], r->pool) ||
             fail(e, "layer %d: found gates that are not finite, expected numbers", layer);
    }
    const struct plan *next = NULL;
    ok = ok && (!sums || fn(ctx, &s, &next, e)) && (!next || run_changed(r, next, layer, e));
    free_sums(r);
    float *swap = r->before;
    r->before = r->after;
    r->after = swap;
    return ok;
}

static void release(struct run *r)
{
    free(r->before);
    free(r->after);
    free(r->weight);
    for (int i = 0; i < SLOPE_COUNT; i++) free(r->slopes[i]);
    exec_free(r->exec);
    kv_free(r->kv);
    pool_free(r->pool);
    plan_free(r->plan);
}

bool statistics_run(const struct model *m, const struct calibration *c, const struct statistics_options *o, statistics_fn *fn,
                    void *ctx, struct error *e)
{
    if (m->arch->encoder)
        return fail(e, "metadata 'general.architecture': found '%s', an encoder, expected a model that makes text",
                    m->arch->name);
    struct run r = {.calibration = c, .options = o, .n_embd = (size_t)m->hp.n_embd};
    r.weighted = m->arch->sandwich_norms && !o->unweighted;
    r.total = c->sequences * (uint64_t)m->hp.n_layer;
    r.plan = plan_new(m, false, e);
    r.pool = r.plan ? pool_new(o->threads ? o->threads : pool_default_threads(), e) : NULL;
    bool ok = r.pool && (c->context <= r.plan->max_rows ||
                         fail(e, "found sequences of %zu tokens, expected at most %zu", c->context, r.plan->max_rows));
    r.kv = ok ? kv_new(&m->hp, TYPE_F16, c->context, e) : NULL;
    r.exec = r.kv ? exec_new(r.plan, r.kv, r.pool, c->context, 1, e) : NULL;
    if (r.exec) {
        size_t floats = c->sequences * c->context * r.n_embd;
        r.before = memory_new(floats * sizeof(float));
        r.after = memory_new(floats * sizeof(float));
        r.weight = malloc(c->context * sizeof(float));
        size_t wide = o->slopes ? c->context * (size_t)m->hp.n_ff : 1;
        for (int i = 0; i < SLOPE_COUNT; i++) r.slopes[i] = memory_new(wide * sizeof(float));
        ok = (r.before && r.after && r.weight && r.slopes[SLOPE_GATE] && r.slopes[SLOPE_UP]) ||
             fail(e, "found no memory for %zu tokens, expected %zu MB", c->sequences * c->context, floats * 8 >> 20);
    } else {
        ok = false;
    }
    ok = ok && embed(&r, e);
    for (int i = 0; ok && i < m->hp.n_layer; i++) ok = one_layer(&r, i, fn, ctx, e);
    if (r.exec) r.exec->plan = r.plan; /* of which it frees the buffers */
    release(&r);
    return ok;
}
