/* linear.c - y = W x + b, the op that nearly all time goes into; and the embedding, which reads rows of such a matrix.
 * SPDX-License-Identifier: MIT */
#include "engine/ops/linear.h"

#include "engine/exec.h"
#include "kernels/kernel.h"

/* A chunk of weights is long enough for memory to stream it, and short enough that a small matrix still makes a few. */
enum { TILE_WEIGHT_BYTES = 64 << 10, TILE_ACTIVATION_BYTES = 128 << 10 };

static size_t clamp(size_t v, size_t low, size_t high) { return v < low ? low : v > high ? high : v; }

struct linear_tile linear_tile(enum type weight, enum type activation, size_t n_in)
{
    size_t w = type_bytes(weight, n_in), x = type_bytes(activation, n_in);
    return (struct linear_tile){clamp(TILE_WEIGHT_BYTES / w, 8, 128) & ~(size_t)7, clamp(TILE_ACTIVATION_BYTES / x, 8, 512) & ~(size_t)7};
}

static enum type activation_type(const struct op *op, bool exact)
{
    return exact ? TYPE_F32 : type_get(op->w->type)->activation;
}

static size_t tile_rows(const struct op *op)
{
    /* The weight's own activation format also in exact plans: the tile must not depend on the mode, since chunks() can't know. */
    return linear_tile(op->w->type, type_get(op->w->type)->activation, (size_t)op->n_in).rows;
}

static size_t linear_chunks(const struct op *op, const struct step *s)
{
    size_t rows = tile_rows(op);
    return op_rows(op, s) ? ((size_t)op->n_out + rows - 1) / rows : 0;
}

/* Dequantised weights times float activations: the reference that the fast path is held to. */
static void run_exact(const struct op *op, struct exec *x, size_t row, size_t rows, size_t n, float *y, int thread)
{
    for (size_t r = row; r < row + rows; r++, y++) {
        const float *w = tensor_row(op->w, (int64_t)r);
        if (op->w->type != TYPE_F32) {
            type_dequantise(op->w->type, x->scratch[thread], w, (size_t)op->n_in);
            w = x->scratch[thread];
        }
        K.f32_dot(&(struct dot_args){.y = y, .ldy = (size_t)op->n_out, .w = w, .w_stride = 0, .rows = 1, .x = exec_row(x, op->src, 0),
                                     .x_stride = (size_t)op->n_in * sizeof(float), .cols = n, .n = (size_t)op->n_in});
    }
}

static void linear_run(const struct op *op, struct exec *x, size_t chunk, int thread)
{
    struct linear_tile tile = linear_tile(op->w->type, activation_type(op, x->plan->exact), (size_t)op->n_in);
    size_t chunk_rows = tile_rows(op), n = op_rows(op, &x->step), n_out = (size_t)op->n_out;
    size_t row = chunk * chunk_rows, rows = row + chunk_rows < n_out ? chunk_rows : n_out - row;
    float *y = (float *)exec_row(x, op->dst, 0) + row;

    if (x->plan->exact) run_exact(op, x, row, rows, n, y, thread);
    else
        for (size_t c = 0; c < n; c += tile.cols)
            type_dot(op->w->type,
                     &(struct dot_args){.y = y + c * n_out, .ldy = n_out, .w = tensor_row(op->w, (int64_t)row),
                                        .w_stride = op->w->row_bytes, .rows = rows, .x = exec_row(x, op->src, c),
                                        .x_stride = buffer_row_bytes(&x->plan->buffers[op->src]),
                                        .cols = n - c < tile.cols ? n - c : tile.cols, .n = (size_t)op->n_in});
    const float *bias = op->bias ? op->bias->data : NULL;
    for (size_t c = 0; bias && c < n; c++) K.f32_add(&(struct vec_args){.y = y + c * n_out, .x = bias + row, .n = rows});
}

/* 2 n_in n_out FLOPs a row (spec accountant 5.1); the weights cross memory once a step. */
static struct op_cost linear_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    double n = (double)op_rows(op, s), in = op->n_in, out = op->n_out;
    return (struct op_cost){
        .flops = 2 * n * in * out,
        .special = op->bias ? n * out : 0,
        .weight_bytes = n > 0 ? (double)op->w->bytes + (op->bias ? (double)op->bias->bytes : 0) : 0,
        .activation_bytes = n * ((double)buffer_row_bytes(&p->buffers[op->src]) + 4 * out),
    };
}

const struct op_def op_linear = {"linear", linear_chunks, linear_run, linear_cost};

/* ---- embed: row `token` of the embedding matrix, times a constant in Gemma ---- */

static size_t embed_chunks(const struct op *op, const struct step *s) { return op_rows(op, s); }

static void embed_run(const struct op *op, struct exec *x, size_t chunk, int thread)
{
    (void)thread;
    float *y = exec_row(x, op->dst, chunk);
    type_dequantise(op->w->type, y, tensor_row(op->w, x->tokens[chunk]), (size_t)op->n_out);
    if (op->u.embed.scale != 1.0f) K.f32_scale(&(struct vec_args){.y = y, .s = op->u.embed.scale, .n = (size_t)op->n_out});
}

static struct op_cost embed_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    (void)p;
    double n = (double)op_rows(op, s);
    return (struct op_cost){
        .special = op->u.embed.scale != 1.0f ? n * op->n_out : 0,
        .weight_bytes = n * (double)op->w->row_bytes,
        .activation_bytes = 4 * n * op->n_out,
    };
}

const struct op_def op_embed = {"embed", embed_chunks, embed_run, embed_cost};
