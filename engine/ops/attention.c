/* attention.c - keys and values into the cache, and attention over it.
 * SPDX-License-Identifier: MIT */
#include "engine/exec.h"
#include "engine/ops/attention.h"
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
        type_quantise(kv->type, kv_row(kv, base, op->u.store.slot, h, x->step.p + row),
                      from + (size_t)h * (size_t)kv->head_dim, NULL, (size_t)kv->head_dim);
}

static struct op_cost store_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    double n = (double)s->n, heads = p->model->hp.n_head_kv;
    return (struct op_cost){.kv_write = n * heads * (double)type_bytes(s->kv_type, (size_t)p->model->hp.head_dim),
                            .activation_bytes = 4 * n * op->n_in};
}

const struct op_def op_store = {"store", store_chunks, store_run, store_cost, .by_row = true};

/* ---- attend: each query head group over its KV head; causal and within the layer's window, or all rows of the step ----
 *
 * Many rows are shared out in blocks of rows, as many as a kernel takes together, by KV heads. One row, as in decode, is shared
 * out in pieces of its range by KV heads: with one or two KV heads nothing else would keep the threads busy. Whoever finishes a
 * head's last piece merges them, in order of position: the bits are those of the row among others, on any number of threads. */

/* The first of the positions that row r of the step sees; the last is its own. */
static size_t first_seen(const struct op *op, const struct step *s, size_t r)
{
    size_t end = s->p + r + 1, window = (size_t)op->u.attend.window;
    return window && end > window ? end - window : 0;
}

size_t attend_rows(const struct op *op)
{
    size_t rows = attend_block((size_t)op->u.attend.head_dim) / (size_t)(op->u.attend.n_head / op->u.attend.n_head_kv);
    return rows ? rows : 1;
}

/* Blocks of rows, or of one row pieces of its range */
static size_t attend_parts(const struct op *op, const struct step *s)
{
    size_t n = op_rows(op, s), rows = attend_rows(op);
    if (n != 1) return (n + rows - 1) / rows;
    return s->p / ATTEND_PIECE - first_seen(op, s, 0) / ATTEND_PIECE + 1;
}

static size_t attend_chunks(const struct op *op, const struct step *s)
{
    return attend_parts(op, s) * (size_t)op->u.attend.n_head_kv;
}

static void attend_call(enum type type, const struct attend_args *a)
{
    if (type == TYPE_F16) K.f16_attend(a);
    else if (type == TYPE_Q8_0) K.q8_0_attend(a);
    else K.f32_attend(a);
}

/* A KV head's share of exec's scratch, of floats: the parts' y, then their states. */
static size_t head_scratch(const struct op *op, size_t parts)
{
    return parts * (size_t)(op->u.attend.n_head / op->u.attend.n_head_kv) * (size_t)(op->u.attend.head_dim + 2);
}

static void attend_piece(const struct op *op, struct exec *x, struct attend_args *a, size_t part, size_t parts, int head)
{
    float *scratch = x->attend.parts + (size_t)head * head_scratch(op, parts), *y = a->y;
    float *states = scratch + parts * a->group * a->d;
    size_t begin = first_seen(op, &x->step, 0), piece = (begin / ATTEND_PIECE + part) * ATTEND_PIECE;
    if (begin < piece) begin = piece;
    if (a->end > piece + ATTEND_PIECE) a->end = piece + ATTEND_PIECE;
    a->window = a->end - begin;
    a->y = scratch + part * a->group * a->d;
    a->state = states + part * a->group * 2;
    attend_call(x->kv->type, a);
    if (atomic_fetch_add_explicit(&x->attend.done[head], 1, memory_order_acq_rel) + 1 < parts) return;
    atomic_store_explicit(&x->attend.done[head], 0, memory_order_relaxed); /* for the next layer, a barrier away */
    K.f32_attend_merge(&(struct merge_args){y, scratch, states, parts, a->group, a->d});
}

static void attend_run(const struct op *op, struct exec *x, size_t chunk, int thread)
{
    (void)thread;
    const struct kv *kv = x->kv;
    size_t kv_heads = (size_t)op->u.attend.n_head_kv, d = (size_t)op->u.attend.head_dim, n = op_rows(op, &x->step);
    size_t parts = attend_parts(op, &x->step), part = parts - 1 - chunk / kv_heads; /* the last rows see most: they go first */
    size_t group = (size_t)op->u.attend.n_head / kv_heads, rows = attend_rows(op), row = n == 1 ? 0 : part * rows;
    int head = (int)(chunk % kv_heads);
    struct attend_args a = {
        .y = (float *)exec_row(x, op->dst, row) + (size_t)head * group * d,
        .q = (float *)exec_row(x, op->src, row) + (size_t)head * group * d,
        .y_stride = (size_t)op->n_out, .q_stride = (size_t)op->n_in,
        .k = kv_row(kv, kv->k, op->u.attend.slot, head, 0), .v = kv_row(kv, kv->v, op->u.attend.slot, head, 0),
        .k_stride = kv->row_bytes, .v_stride = kv->row_bytes,
        .n_pos = n - row < rows ? n - row : rows, .group = group, .d = d,
        .end = x->step.p + (op->u.attend.full ? n : row + 1), .window = (size_t)op->u.attend.window,
        .causal = !op->u.attend.full, .scale = op->u.attend.scale,
    };
    if (n == 1 && parts > 1) attend_piece(op, x, &a, part, parts, head);
    else attend_call(kv->type, &a);
}

size_t attend_scratch(const struct op *op, size_t positions)
{
    return (size_t)op->u.attend.n_head_kv * head_scratch(op, positions / ATTEND_PIECE + 1);
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
    double n = (double)s->n, p_n = (double)s->p + n;
    double seen = op->u.attend.full ? n * p_n : positions_seen(n, (double)s->p, op->u.attend.window);
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
