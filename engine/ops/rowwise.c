/* rowwise.c - the ops that work on each row for itself: norms, quantise, rope and its angles, gate, activation, add, gather;
 * and the one that makes a row of all.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "engine/exec.h"
#include "kernels/kernel.h"

/* One chunk a row: rows are independent. Threads take many at a time. */
static size_t row_chunks(const struct op *op, const struct step *s) { return op_rows(op, s); }

/* Long rows are cut: a decode step has only one. */
enum { SEGMENT = 4096 }; /* elements a chunk, whole blocks of every type */

static size_t segment_chunks(const struct op *op, const struct step *s)
{
    return op_rows(op, s) * (((size_t)op->n_out + SEGMENT - 1) / SEGMENT);
}

/* The part of a row that a chunk of segment_chunks stands for. */
static size_t segment(const struct op *op, size_t chunk, size_t *row, size_t *from)
{
    size_t per_row = ((size_t)op->n_out + SEGMENT - 1) / SEGMENT;
    *row = chunk / per_row;
    *from = chunk % per_row * SEGMENT;
    return (size_t)op->n_out - *from < SEGMENT ? (size_t)op->n_out - *from : SEGMENT;
}

static double row_bytes(const struct plan *p, int buffer)
{
    return buffer == NO_BUFFER ? 0 : (double)buffer_row_bytes(&p->buffers[buffer]);
}

/* ---- norm: RMS norm of each of `heads` vectors a row ---- */

static void norm_run(const struct op *op, struct exec *x, size_t row, int thread)
{
    (void)thread;
    size_t heads = (size_t)op->u.norm.heads, n = (size_t)op->n_in / heads;
    K.f32_rms_norm(&(struct norm_args){.y = exec_row(x, op->dst, row),
                                       .x = exec_row(x, op->src, row),
                                       .y_stride = n,
                                       .x_stride = n,
                                       .w = op->w->data,
                                       .rows = heads,
                                       .n = n,
                                       .eps = op->u.norm.eps});
}

static struct op_cost norm_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    double n = (double)op_rows(op, s);
    return (struct op_cost){.special = 4 * n * op->n_in, .weight_bytes = n > 0 ? (double)op->w->bytes : 0,
                            .activation_bytes = n * (row_bytes(p, op->src) + row_bytes(p, op->dst))};
}

const struct op_def op_norm = {"norm", row_chunks, norm_run, norm_cost, .by_row = true};

/* ---- layer norm, with weight and bias ---- */

static void layer_norm_run(const struct op *op, struct exec *x, size_t row, int thread)
{
    (void)thread;
    size_t n = (size_t)op->n_in;
    K.f32_layer_norm(&(struct norm_args){.y = exec_to(x, op, row),
                                         .x = exec_from(x, op, row),
                                         .y_stride = n,
                                         .x_stride = n,
                                         .w = op->w->data,
                                         .b = op->bias->data,
                                         .rows = 1,
                                         .n = n,
                                         .eps = op->u.norm.eps});
}

static struct op_cost layer_norm_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    (void)p;
    double n = (double)op_rows(op, s);
    return (struct op_cost){.special = 8 * n * op->n_in,
                            .weight_bytes = n > 0 ? (double)(op->w->bytes + op->bias->bytes) : 0,
                            .activation_bytes = 8 * n * op->n_in};
}

const struct op_def op_layer_norm = {"layer_norm", row_chunks, layer_norm_run, layer_norm_cost, .by_row = true};

/* ---- quantise: a row into 8-bit blocks for the matrix products that follow ---- */

static void quantise_run(const struct op *op, struct exec *x, size_t chunk, int thread)
{
    (void)thread;
    enum type type = x->plan->buffers[op->dst].type;
    size_t row, from, n = segment(op, chunk, &row, &from);
    type_quantise(type, (char *)exec_to(x, op, row) + type_bytes(type, from), (float *)exec_from(x, op, row) + from, NULL, n);
}

static struct op_cost quantise_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    double row = 4.0 * op->n_in + (double)type_bytes(p->buffers[op->dst].type, (size_t)op->n_out);
    return (struct op_cost){.activation_bytes = (double)op_rows(op, s) * row};
}

const struct op_def op_quantise = {"quantise", segment_chunks, quantise_run, quantise_cost, .by_row = true};

/* ---- angles: cos and sin of every pair at a row's position; in double, since a float product loses the low bits of p ---- */

static void angles_run(const struct op *op, struct exec *x, size_t row, int thread)
{
    (void)thread;
    const struct rope_table *t = &x->plan->rope[op->u.angles.table];
    float *cs = exec_row(x, op->dst, row);
    const int *section = x->plan->model->hp.rope_sections;
    const struct place *at = x->places ? &x->places[x->step.p + row] : NULL;
    double position = (double)(x->step.p + row);
    for (int j = 0; j < t->n_rot / 2; j++) {
        if (at) position = j < section[0] ? at->time : j < section[0] + section[1] ? at->row : at->column;
        cs[2 * j] = (float)cos(position * t->freq[j]);
        cs[2 * j + 1] = (float)sin(position * t->freq[j]);
    }
}

static struct op_cost angles_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    return (struct op_cost){.activation_bytes = (double)op_rows(op, s) * row_bytes(p, op->dst)};
}

const struct op_def op_angles = {"angles", row_chunks, angles_run, angles_cost, .by_row = true};

/* ---- rope ---- */

static void rope_run(const struct op *op, struct exec *x, size_t row, int thread)
{
    (void)thread;
    struct rope_args a = {.x = exec_row(x, op->dst, row),
                          .cs = exec_row(x, op->u.rope.angles, row),
                          .heads = (size_t)op->u.rope.heads,
                          .stride = (size_t)op->u.rope.head_dim,
                          .n_rot = (size_t)op->u.rope.n_rot};
    if (op->u.rope.kind == ROPE_NEOX) K.f32_rope_neox(&a);
    else K.f32_rope_norm(&a);
}

static struct op_cost rope_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    double n = (double)op_rows(op, s);
    return (struct op_cost){.special = 3 * n * op->u.rope.heads * op->u.rope.n_rot,
                            .activation_bytes = n * (2 * row_bytes(p, op->dst) + row_bytes(p, op->u.rope.angles))};
}

const struct op_def op_rope = {"rope", row_chunks, rope_run, rope_cost, .by_row = true};

/* ---- glu: act(gate) * up ---- */

static void glu_run(const struct op *op, struct exec *x, size_t chunk, int thread)
{
    (void)thread;
    size_t row, from, n = segment(op, chunk, &row, &from);
    struct glu_args a = {.y = (float *)exec_row(x, op->dst, row) + from, .gate = (float *)exec_row(x, op->src, row) + from,
                         .up = (float *)exec_row(x, op->src2, row) + from, .n = n};
    if (op->u.glu.activation == ACT_SILU) K.f32_silu_mul(&a);
    else K.f32_gelu_mul(&a);
}

static struct op_cost glu_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    double n = (double)op_rows(op, s);
    return (struct op_cost){.special = 5 * n * op->n_out,
                            .activation_bytes = n * (row_bytes(p, op->src) + row_bytes(p, op->src2) + row_bytes(p, op->dst))};
}

const struct op_def op_glu = {"glu", segment_chunks, glu_run, glu_cost, .by_row = true};

/* ---- act: an activation without a gate, in place ---- */

static void act_run(const struct op *op, struct exec *x, size_t chunk, int thread)
{
    (void)thread;
    size_t row, from, n = segment(op, chunk, &row, &from);
    struct vec_args a = {.y = (float *)exec_to(x, op, row) + from, .x = (float *)exec_from(x, op, row) + from, .n = n};
    if (op->u.glu.activation == ACT_QUICK_GELU) K.f32_quick_gelu(&a);
    else K.f32_gelu(&a);
}

static struct op_cost act_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    (void)p;
    double n = (double)op_rows(op, s) * op->n_out;
    return (struct op_cost){.special = 4 * n, .activation_bytes = 8 * n};
}

const struct op_def op_act = {"act", segment_chunks, act_run, act_cost, .by_row = true};

/* ---- add: the residual ---- */

static void add_run(const struct op *op, struct exec *x, size_t chunk, int thread)
{
    (void)thread;
    size_t row, from, n = segment(op, chunk, &row, &from);
    K.f32_add(&(struct vec_args){
        .y = (float *)exec_row(x, op->dst, row) + from, .x = (float *)exec_row(x, op->src, row) + from, .n = n});
}

static struct op_cost add_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    double n = (double)op_rows(op, s);
    return (struct op_cost){.special = n * op->n_out,
                            .activation_bytes = n * (row_bytes(p, op->src) + 2 * row_bytes(p, op->dst))};
}

const struct op_def op_add = {"add", segment_chunks, add_run, add_cost, .by_row = true};

/* ---- add_row: a row of a table, the one of the row's position or always the first ---- */

static void add_row_run(const struct op *op, struct exec *x, size_t chunk, int thread)
{
    (void)thread;
    float added[SEGMENT];
    size_t row, from, n = segment(op, chunk, &row, &from);
    const char *table = tensor_row(op->w, op->u.add_row.first ? 0 : (int64_t)(x->step.p + row));
    type_dequantise(op->w->type, added, table + type_bytes(op->w->type, from), n);
    K.f32_add(&(struct vec_args){.y = (float *)exec_row(x, op->dst, row) + from, .x = added, .n = n});
}

static struct op_cost add_row_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    double n = (double)op_rows(op, s);
    return (struct op_cost){.special = n * op->n_out,
                            .weight_bytes = (op->u.add_row.first ? n > 0 : n) * (double)op->w->row_bytes,
                            .activation_bytes = 2 * n * row_bytes(p, op->dst)};
}

const struct op_def op_add_row = {"add_row", segment_chunks, add_row_run, add_row_cost, .by_row = true};

/* ---- pool: one row of all rows of the step: their mean, or one of them ---- */

static size_t pool_chunks(const struct op *op, const struct step *s)
{
    return op_rows(op, s) ? ((size_t)op->n_out + SEGMENT - 1) / SEGMENT : 0;
}

static void pool_run_chunk(const struct op *op, struct exec *x, size_t chunk, int thread)
{
    (void)thread;
    size_t row, from, n = segment(op, chunk, &row, &from), rows = x->step.n;
    size_t first = op->u.pool.how == POOLING_LAST ? rows - 1 : 0;
    float *y = (float *)exec_row(x, op->dst, 0) + from;
    memcpy(y, (float *)exec_row(x, op->src, first) + from, n * sizeof *y);
    if (op->u.pool.how != POOLING_MEAN) return;
    for (size_t r = 1; r < rows; r++)
        K.f32_add(&(struct vec_args){.y = y, .x = (float *)exec_row(x, op->src, r) + from, .n = n});
    K.f32_scale(&(struct vec_args){.y = y, .s = 1 / (float)rows, .n = n});
}

static struct op_cost pool_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    bool mean = op->u.pool.how == POOLING_MEAN;
    double made = (double)op_rows(op, s), rows = mean ? (double)s->n : 1;
    return (struct op_cost){.special = mean ? made * rows * op->n_out : 0,
                            .activation_bytes = made * (rows * row_bytes(p, op->src) + row_bytes(p, op->dst))};
}

const struct op_def op_pool = {"pool", pool_chunks, pool_run_chunk, pool_cost, .by_row = false};

/* ---- gather: the rows whose logits are wanted ---- */

static void gather_run(const struct op *op, struct exec *x, size_t row, int thread)
{
    (void)thread;
    memcpy(exec_row(x, op->dst, row), exec_row(x, op->src, x->out_row[row]), (size_t)op->n_out * sizeof(float));
}

static struct op_cost gather_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    return (struct op_cost){.activation_bytes = (double)op_rows(op, s) * 2 * row_bytes(p, op->dst)};
}

const struct op_def op_gather = {"gather", row_chunks, gather_run, gather_cost, .by_row = true};
