/* SPDX-License-Identifier: MIT */
#include "engine/account/micro.h"

#include <stdlib.h>
#include <string.h>

enum { DST, SRC, SRC2, N_BUFFERS };
enum { HEAD = 128, TABLE_ROWS = 256 };

static struct tensor weight(enum type type, int n_in, int n_out, const void *data)
{
    struct tensor t = {.name = "micro", .type = type, .n_dims = 2, .ne = {n_in, n_out, 1, 1}, .data = data};
    t.row_bytes = type_bytes(type, (size_t)n_in);
    t.bytes = t.row_bytes * (size_t)n_out;
    return t;
}

static struct plan_buffer buffer(int width, enum type type)
{
    return (struct plan_buffer){"micro", (size_t)width, type, false};
}

struct micro micro_linear(enum type type, int n_in, int n_out, size_t rows, const void *weights)
{
    return (struct micro){.op = {.kind = OP_LINEAR, .role = "linear", .n_in = n_in, .n_out = n_out},
                          .weight = weight(type, n_in, n_out, weights),
                          .step = {.n = rows, .n_out = rows},
                          .dst = buffer(n_out, TYPE_F32),
                          .src = buffer(n_in, type_get(type)->activation),
                          .stages = 1};
}

struct micro micro_attend(enum type kv, int n_head_kv, int group, int head_dim, size_t positions, size_t rows)
{
    int width = n_head_kv * group * head_dim;
    struct micro m = {.op = {.kind = OP_ATTEND, .role = "attend", .n_in = width, .n_out = width},
                      .step = {.n = rows, .p = positions - rows, .n_out = rows, .kv_type = kv},
                      .dst = buffer(width, TYPE_F32),
                      .src = buffer(width, TYPE_F32),
                      .n_head_kv = n_head_kv,
                      .head_dim = head_dim,
                      .stages = 1};
    m.op.u.attend.n_head = n_head_kv * group;
    m.op.u.attend.n_head_kv = n_head_kv;
    m.op.u.attend.head_dim = head_dim;
    m.op.u.attend.scale = 1;
    return m;
}

struct micro micro_vector(enum op_kind kind, int width, size_t rows, const void *weights)
{
    struct micro m = {.op = {.kind = kind, .role = op_defs[kind]->name, .n_in = width, .n_out = width},
                      .step = {.n = rows, .n_out = rows, .kv_type = TYPE_F16},
                      .dst = buffer(width, TYPE_F32),
                      .src = buffer(width, TYPE_F32),
                      .stages = 1};
    if (kind == OP_EMBED) {
        m.weight = weight(TYPE_Q8_0, width, TABLE_ROWS, weights);
        m.src.width = 0;
        m.op.u.embed.scale = 1;
    } else if (kind == OP_NORM) {
        m.weight = weight(TYPE_F32, width, 1, weights);
        m.op.u.norm.heads = 1;
        m.op.u.norm.eps = 1e-5f;
    } else if (kind == OP_QUANTISE) {
        m.dst.type = TYPE_Q8_A256;
    } else if (kind == OP_ANGLES) {
        m.src.width = 0;
    } else if (kind == OP_ROPE) {
        m.src.width = 0; /* in place */
        m.src2 = buffer(HEAD, TYPE_F32);
        m.op.u.rope.heads = width / HEAD;
        m.op.u.rope.head_dim = m.op.u.rope.n_rot = HEAD;
        m.op.u.rope.angles = SRC2;
    } else if (kind == OP_STORE) {
        m.n_head_kv = width / HEAD;
        m.head_dim = HEAD;
    } else if (kind == OP_GLU) {
        m.src2 = buffer(width, TYPE_F32);
    } else if (kind == OP_GATHER) {
        m.op.sampled = m.dst.sampled = true;
    }
    return m;
}

/* The plan of a micro in one block, so that pointers into it stay good. */
struct micro_run {
    struct micro micro;
    struct model model; /* what cost functions ask of it: the cache's shape */
    struct plan plan;
    struct plan_buffer buffers[N_BUFFERS];
    struct kv *kv;
    struct exec *exec;
    int32_t *tokens;
    uint32_t *out_row;
};

/* Numbers the buffers and binds the weight of the op; `stages` copies of it stand at plan.ops if that isn't NULL. */
static void bind_plan(struct micro_run *r, const struct micro *m)
{
    r->micro = *m;
    struct op *op = &r->micro.op;
    r->buffers[DST] = m->dst;
    r->buffers[SRC] = m->src;
    r->buffers[SRC2] = m->src2;
    op->dst = DST;
    op->src = m->src.width ? SRC : op->kind == OP_ROPE ? DST : NO_BUFFER;
    op->src2 = m->src2.width ? SRC2 : NO_BUFFER;
    op->w = m->weight.data ? &r->micro.weight : NULL;
    r->model.hp = (struct hparams){
        .n_layer = 1, .n_head_kv = m->n_head_kv ? m->n_head_kv : 1, .head_dim = m->head_dim ? m->head_dim : 32};
    r->plan.model = &r->model;
    r->plan.buffers = r->buffers;
    r->plan.n_buffers = N_BUFFERS;
    r->plan.logits = DST;
    for (int i = 0; r->plan.ops && i < m->stages; i++) r->plan.ops[i] = *op;
}

struct op_cost micro_cost(const struct micro *m)
{
    struct micro_run r = {0};
    bind_plan(&r, m);
    return op_defs[m->op.kind]->cost(&r.micro.op, &r.plan, &m->step);
}

size_t micro_chunks(const struct micro *m)
{
    struct micro_run r = {0};
    bind_plan(&r, m);
    return op_defs[m->op.kind]->chunks(&r.micro.op, &m->step);
}

struct micro_run *micro_new(const struct micro *m, struct pool *pool, struct error *e)
{
    struct micro_run *r = calloc(1, sizeof *r);
    size_t n = (size_t)m->stages, rows = m->step.n;
    if (r) {
        r->plan.n_ops = r->plan.n_stages = n;
        r->plan.ops = calloc(n, sizeof *r->plan.ops);
        r->plan.stage = calloc(n + 1, sizeof *r->plan.stage);
        r->plan.rope[0] = (struct rope_table){m->op.n_out, calloc((size_t)m->op.n_out / 2 + 1, sizeof(double))};
        r->plan.n_ropes = 1;
        r->tokens = calloc(rows, sizeof *r->tokens);
        r->out_row = calloc(rows, sizeof *r->out_row);
    }
    if (!r || !r->plan.ops || !r->plan.stage || !r->plan.rope[0].freq || !r->tokens || !r->out_row) {
        fail(e, "calibration: found no memory for %zu rows", rows);
        micro_free(r);
        return NULL;
    }
    bind_plan(r, m);
    for (size_t i = 0; i <= n; i++) r->plan.stage[i] = i;
    for (int j = 0; j < m->op.n_out / 2; j++) r->plan.rope[0].freq[j] = 1.0 / (1 + j);
    for (size_t i = 0; i < rows; i++) {
        r->tokens[i] = (int32_t)(i % TABLE_ROWS);
        r->out_row[i] = (uint32_t)i;
    }
    r->kv = kv_new(&r->model.hp, m->step.kv_type, m->step.p + rows, e);
    r->exec = r->kv ? exec_new(&r->plan, r->kv, pool, rows, rows, e) : NULL;
    if (r->exec) return r;
    micro_free(r);
    return NULL;
}

void micro_step(struct micro_run *r)
{
    r->kv->used = r->micro.step.p;
    exec_step(r->exec, r->tokens, r->micro.step.n, r->out_row, r->micro.step.n_out);
}

void micro_free(struct micro_run *r)
{
    if (!r) return;
    exec_free(r->exec);
    kv_free(r->kv);
    free(r->plan.ops);
    free(r->plan.stage);
    free(r->plan.rope[0].freq);
    free(r->tokens);
    free(r->out_row);
    free(r);
}
