/* linear.c - y = W x + b, the op that nearly all time goes into; and the embedding, which reads rows of such a matrix.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "tensor/linear.h"

#include "engine/exec.h"
#include "kernels/kernel.h"

/* How the product is cut. Chunks of one block of activations follow each other, so that they find it in the cache. */
struct cut {
    size_t cols, rows, row_blocks, col_blocks;
};

static struct cut cut_of(const struct op *op, const struct step *s)
{
    struct cut c = {.cols = op_rows(op, s)};
    c.rows = linear_rows(op->w->type, (size_t)op->n_in, c.cols, s->few);
    c.row_blocks = ((size_t)op->n_out + c.rows - 1) / c.rows;
    c.col_blocks = linear_blocks(c.cols);
    return c;
}

static size_t linear_chunks(const struct op *op, const struct step *s)
{
    struct cut c = cut_of(op, s);
    return c.row_blocks * c.col_blocks;
}

/* Multiplies `count` neighbouring chunks of one block of columns. */
static void multiply(const struct op *op, struct exec *x, const struct cut *c, size_t chunk, size_t count, int thread)
{
    size_t row = chunk % c->row_blocks * c->rows, block = chunk / c->row_blocks, n_out = (size_t)op->n_out;
    size_t rows = count * c->rows, first = linear_block(c->cols, block);
    struct linear_part part = {
        .w = op->w,
        .bias = op->bias ? op->bias->data : NULL,
        .row = row,
        .rows = n_out - row < rows ? n_out - row : rows,
        .x = exec_from(x, op, first),
        .x_stride = type_bytes(x->plan->buffers[op->src].type, (size_t)op->n_in),
        .cols = linear_block(c->cols, block + 1) - first,
        .y = (float *)exec_to(x, op, first) + row,
        .ldy = n_out,
    };
    if (x->plan->exact)
        linear_multiply_exact(&part, x->scratch[thread]);
    else
        linear_multiply(&part);
}

/* A dot lays its activations out once a call, and memory streams what one call reads. */
static void linear_run(const struct op *op, struct exec *x, size_t chunk, size_t count, int thread)
{
    struct cut c = cut_of(op, &x->step);
    size_t n = linear_unpacks(op->w->type, c.cols) ? 1 : count; /* few columns are one block */
    for (size_t end = chunk + count; chunk < end; chunk += n) multiply(op, x, &c, chunk, n, thread);
}

/* 2 n_in n_out FLOPs a row (ARCHITECTURE.md, the accountant); the weights cross memory once a step, or as often as predict.h
 * says. */
static struct op_cost linear_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    double n = (double)op_rows(op, s), in = op->n_in, out = op->n_out;
    return (struct op_cost){
        .flops = 2 * n * in * out,
        .special = op->bias ? n * out : 0,
        .weight_bytes = n > 0 ? (double)op->w->bytes + (op->bias ? (double)op->bias->bytes : 0) : 0,
        .activation_bytes = n * ((double)type_bytes(p->buffers[op->src].type, (size_t)op->n_in) + 4 * out),
    };
}

static size_t linear_scratch(const struct op *op, const struct plan *p)
{
    return p->exact ? linear_exact_scratch(op->w->type, (size_t)op->n_out, (size_t)op->n_in) : 0;
}

const struct op_def op_linear = {
    "linear", linear_chunks, NULL, linear_cost, .by_row = false, .scratch = linear_scratch, .run_joined = linear_run};

/* ---- embed: row `token` of the embedding matrix, times a constant in Gemma ---- */

static size_t embed_chunks(const struct op *op, const struct step *s)
{
    return op_rows(op, s);
}

static void embed_run(const struct op *op, struct exec *x, size_t chunk, int thread)
{
    (void)thread;
    float *y = exec_row(x, op->dst, chunk);
    if (x->tokens[chunk] < 0) { /* a picture's, as the tower made it: no scale */
        memcpy(y, x->embeddings + (size_t)(-1 - x->tokens[chunk]) * (size_t)op->n_out, (size_t)op->n_out * sizeof *y);
        return;
    }
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

const struct op_def op_embed = {"embed", embed_chunks, embed_run, embed_cost, .by_row = true};
