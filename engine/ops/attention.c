/* attention.c - keys and values into the cache, and attention over it.
 * SPDX-License-Identifier: MIT */
#include "engine/exec.h"
#include "kernels/kernel.h"

/* ---- store: a row's heads into the cache, in its type ---- */

static size_t store_chunks(const struct op *op, const struct step *s) { return op_rows(op, s); }

static void store_run(const struct op *op, struct exec *x, size_t row, int thread)
{
    (void)thread;
    struct kv *kv = x->kv;
    const float *from = exec_row(x, op->src, row);
    char *base = op->u.store.value ? kv->v : kv->k;
    for (int h = 0; h < kv->n_head; h++)
        type_quantise(kv->type, kv_row(kv, base, op->layer, h, x->step.p + row), from + (size_t)h * (size_t)kv->head_dim, NULL,
                      (size_t)kv->head_dim);
}

static struct op_cost store_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    double n = (double)s->n, heads = p->model->hp.n_head_kv;
    return (struct op_cost){.kv_write = n * heads * (double)type_bytes(s->kv_type, (size_t)p->model->hp.head_dim),
                            .activation_bytes = 4 * n * op->n_in};
}

const struct op_def op_store = {"store", store_chunks, store_run, store_cost, .by_row = true};

/* ---- attend: causal, each query head group over its KV head, within the layer's window ---- */

static size_t attend_chunks(const struct op *op, const struct step *s)
{
    return op_rows(op, s) * (size_t)op->u.attend.n_head_kv;
}

static void attend_run(const struct op *op, struct exec *x, size_t chunk, int thread)
{
    (void)thread;
    const struct kv *kv = x->kv;
    size_t kv_heads = (size_t)op->u.attend.n_head_kv, row = chunk / kv_heads, d = (size_t)op->u.attend.head_dim;
    int head = (int)(chunk % kv_heads);
    size_t group = (size_t)op->u.attend.n_head / kv_heads, end = x->step.p + row + 1, window = (size_t)op->u.attend.window;
    size_t begin = window && end > window ? end - window : 0;
    struct attend_args a = {
        .y = (float *)exec_row(x, op->dst, row) + (size_t)head * group * d,
        .q = (float *)exec_row(x, op->src, row) + (size_t)head * group * d,
        .k = kv_row(kv, kv->k, op->layer, head, begin),
        .v = kv_row(kv, kv->v, op->layer, head, begin),
        .k_stride = kv->row_bytes, .v_stride = kv->row_bytes,
        .n_q = group, .n_kv = end - begin, .d = d, .scale = op->u.attend.scale,
    };
    if (kv->type == TYPE_F16) K.f16_attend(&a);
    else if (kv->type == TYPE_Q8_0) K.q8_0_attend(&a);
    else K.f32_attend(&a);
}

/* Sum over the step's rows of the positions each one sees: t for the query at 1-based context t, at most w of them. */
static double positions_seen(double n, double p, double w)
{
    double whole = n * p + n * (n + 1) / 2;
    if (w <= 0 || p + n <= w) return whole;
    if (p >= w) return n * w;
    double below = w - p; /* rows that still see everything */
    return below * p + below * (below + 1) / 2 + (n - below) * w;
}

/* 4 H d t FLOPs and 5 H t of softmax a query at context t; each row streams the keys and values it sees once for all heads of a
 * group. */
static struct op_cost attend_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    double seen = positions_seen((double)s->n, (double)s->p, op->u.attend.window);
    double heads = op->u.attend.n_head, d = op->u.attend.head_dim;
    (void)p;
    return (struct op_cost){
        .flops = 4 * heads * d * seen,
        .special = 5 * heads * seen,
        .kv_read = 2 * seen * op->u.attend.n_head_kv * (double)type_bytes(s->kv_type, (size_t)op->u.attend.head_dim),
        .activation_bytes = (double)s->n * 4 * (op->n_in + op->n_out),
    };
}

const struct op_def op_attend = {"attend", attend_chunks, attend_run, attend_cost, .by_row = false};
