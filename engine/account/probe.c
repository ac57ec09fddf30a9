/* SPDX-License-Identifier: MIT */
#include "engine/account/probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/account/measure.h"
#include "engine/cost.h"
#include "engine/tower/tower.h"

enum { ALIGN = 64, ONES_BYTES = 64 << 10 };

void probe_weights_fill(struct probe_weights *w)
{
    const float one = 1;
    memset(w->bytes, 6, w->n); /* a scale of 9e-5 in halves; as a float next to 0, but normal */
    for (size_t i = 0; i < ONES_BYTES / sizeof one; i++) memcpy(w->bytes + i * sizeof one, &one, sizeof one);
}

static bool lend(struct gguf *g, const char *shape, const struct probe_weights *w, struct error *e)
{
    size_t at = ONES_BYTES;
    for (size_t i = 0; i < g->n_tensors; i++) {
        struct tensor *t = &g->tensors[i];
        size_t room = t->n_dims == 1 ? ONES_BYTES : w->n - ONES_BYTES;
        if (t->bytes > room)
            return fail(e, "probe %s: tensor '%s': found %zu bytes to lend, expected %zu", shape, t->name, room,
                        (size_t)t->bytes);
        if (at + t->bytes > w->n) at = ONES_BYTES;
        t->data = t->n_dims == 1 ? w->bytes : w->bytes + at;
        if (t->n_dims != 1) at += (t->bytes + ALIGN - 1) / ALIGN * ALIGN;
    }
    return true;
}

void probe_cold_shape(char shape[PROBE_SHAPE], enum type type, size_t bytes)
{
    enum { D = 2048, KV = 512, F = 6144 };
    double layer = (2.0 * D * D + 2.0 * D * KV + 3.0 * D * F) * (double)type_bytes(type, D) / D;
    int layers = (int)fmax(1, floor((double)bytes / layer));
    snprintf(shape, PROBE_SHAPE, "L=%d,D=%d,H=16,KV=4,F=%d,V=256:%s", layers, D, F, type_name(type));
}

struct model *probe_model(const char *shape, const struct probe_weights *w, struct error *e)
{
    struct model *m = model_from_shape(shape, e);
    if (!m || lend(m->header_gguf, shape, w, e)) return m;
    model_close(m);
    return NULL;
}

/* Adds what op i did in step s, in so many seconds. */
static void add_op(struct probe_sums *sums, const struct probe *p, const struct plan *plan, size_t stage, size_t i,
                   const struct step *s, double seconds, double tau)
{
    const struct op *op = &plan->ops[i];
    if (op_rows(op, s) != p->rows) return; /* the last row's logits in a prompt: a single row's speed */
    struct op_cost cost = cost_op(plan, i, s);
    struct probe_sum *sum = op->kind == OP_LINEAR   ? &sums->linear[op->w->type]
                            : op->kind == OP_ATTEND ? &sums->attend[p->kv_type]
                                                    : &sums->vector[op->kind];
    size_t in_stage = plan->stage[stage + 1] - plan->stage[stage];
    struct stage_share share = stage_share(plan, stage, s, p->threads);
    /* An op shorter than the scatter of a stage's cost can't be told from it; a tenth keeps its rate finite. A product of a
     * matrix is longer than that: there a half bounds what a disturbed tau can do. */
    double least = op->kind == OP_LINEAR || op->kind == OP_ATTEND ? 0.5 : 0.1;
    double own = fmax(seconds - tau / (double)in_stage, seconds * least);
    sum->seconds += own / share.waste;
    sum->work += op->kind == OP_LINEAR || op->kind == OP_ATTEND ? cost.flops : cost_bytes(&cost);
    if (op->kind == OP_LINEAR) sum->each += (double)op->n_in * op->n_out;
    if (op->kind == OP_ATTEND) sum->each += 4.0 * op->u.attend.n_head * op->u.attend.head_dim * (double)p->rows;
}

static void add_step(struct probe_sums *sums, const struct probe *p, const struct plan *plan, const struct step *s,
                     const double *seconds, double tau)
{
    for (size_t stage = 0; stage < plan->n_stages; stage++)
        for (size_t i = plan->stage[stage]; i < plan->stage[stage + 1]; i++)
            add_op(sums, p, plan, stage, i, s, seconds[i], tau);
}

/* Of the steps the middle one by time, the faster of two: a step that something interrupted says nothing. */
static int middle_step(const double *total, int n)
{
    for (int i = 0; i < n; i++) {
        int faster = 0;
        for (int k = 0; k < n; k++) faster += total[k] < total[i] || (total[k] == total[i] && k < i);
        if (faster == (n - 1) / 2) return i;
    }
    return 0;
}

/* Runs the steps; seconds[step][op] and total[step]. */
static bool run_steps(struct session *s, const struct probe *p, const int32_t *tokens, double *seconds, double *total,
                      struct error *e)
{
    enum phase phase = p->rows > 1 ? PHASE_PREFILL : PHASE_DECODE;
    size_t n_ops = s->plan->n_ops;
    if (p->before && !session_feed(s, tokens, p->before, PHASE_PREFILL, NULL, NULL, e)) return false;
    for (int i = -1; i < p->steps; i++) { /* the first step, which is not counted, warms pages and caches */
        if (i == 0 || p->rows > 1) s->kv->used = p->before;
        profile_reset(s->profile);
        if (!session_feed(s, tokens, p->rows, phase, NULL, NULL, e)) return false;
        if (i < 0) continue;
        memcpy(seconds + (size_t)i * n_ops, s->profile->seconds + (size_t)phase * n_ops, n_ops * sizeof *seconds);
        total[i] = s->profile->step_seconds[phase];
    }
    return true;
}

bool probe_run(struct probe_sums *sums, const struct probe *p, double tau, struct error *e)
{
    struct model *m = probe_model(p->shape, p->weights, e);
    size_t positions = p->before + (p->rows > 1 ? p->rows : (size_t)p->steps);
    struct session_options o = {.n_ctx = positions, .n_batch = p->rows > p->before ? p->rows : p->before, .kv_type = p->kv_type,
                                .threads = p->threads, .profile = true};
    struct session *s = m ? session_new(m, &o, e) : NULL;
    int32_t *tokens = s ? fixed_tokens(positions, m->hp.n_vocab) : NULL;
    double *seconds = s ? malloc((size_t)p->steps * s->plan->n_ops * sizeof *seconds) : NULL, total[PROBE_MAX_STEPS];
    bool ok = s && ((tokens && seconds) || fail(e, "probe: found no memory for %zu tokens", positions)) &&
              run_steps(s, p, tokens, seconds, total, e);
    if (ok) {
        int k = middle_step(total, p->steps);
        struct step step = {.n = p->rows, .p = p->before + (p->rows > 1 ? 0 : (size_t)k), .n_out = 1, .kv_type = p->kv_type};
        add_step(sums, p, s->plan, &step, seconds + (size_t)k * s->plan->n_ops, tau);
        sums->seconds += total[k];
        sums->stages += (double)s->plan->n_stages;
    }
    free(seconds);
    free(tokens);
    session_free(s);
    model_close(m);
    return ok;
}

bool probe_tower(struct probe_sums *sums, const struct probe_weights *w, int threads, double tau, struct error *e)
{
    static const char shape[] = "probe-qwen2-vl:F16";
    enum { SIDE = 8 }; /* patches each way */
    struct tower *t = tower_from_shape(shape, e);
    struct clamp clamp = {.rule = CLAMP_NONE};
    struct preprocessed seen = {0};
    bool ok = t && lend(t->mmproj->model.header_gguf, shape, w, e);
    if (ok) {
        t->options.threads = threads;
        for (int i = 0; i < 2; i++) t->mmproj->kernel[i].data = w->bytes + ONES_BYTES; /* views, made before the loan */
        int side = SIDE * t->mmproj->keys.patch;
        ok = clamp_apply(&clamp, &t->mmproj->keys, side, side, &seen.fit, e) && picture_new(&seen.picture, side, side, e) &&
             (t->pool = pool_new(threads, e)) && (t->profile = profile_new(t->plan, threads, e));
    }
    for (int i = 0; ok && i < 2; i++) { /* the first run warms pages and caches: what is timed begins anew */
        struct seen out;
        ok = tower_encode(t, &seen, &out, e);
        seen_free(&out);
    }
    struct probe p = {.weights = w, .kv_type = TYPE_F16, .threads = threads, .rows = SIDE * SIDE, .steps = 1};
    struct step step = {.n = p.rows, .n_out = 1, .kv_type = TYPE_F16};
    if (ok) add_step(sums, &p, t->plan, &step, t->profile->seconds, tau);
    preprocessed_free(&seen);
    tower_free(t);
    return ok;
}
