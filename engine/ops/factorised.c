/* factorised.c - layers that are more than one matrix: the steps of a contraction, the matrix made of its cores where that is
 * cheaper, the corrections and kept columns that are added to either, and the elements of a row that these read.
 * SPDX-License-Identifier: MIT */
#include "engine/exec.h"
#include "kernels/kernel.h"
#include "tensor/linear.h"

/* ---- core: one step, from the last core to the first ---- */

static struct mpo_step step_of(const struct op *op)
{
    return mpo_step(&op->u.core.layer->mpo, op->u.core.core);
}

/* How a step's work is cut: rows of the core by columns of the virtual batch. */
struct cut {
    size_t cols, rows, row_blocks, col_blocks;
    bool stored; /* rows count those that a gauged core stores, so that chunks hold whole panels of them */
};

static struct cut cut_of(const struct op *op, const struct step *s, const struct mpo_step *m)
{
    struct cut c = {.cols = op_rows(op, s) * m->vectors};
    c.rows = linear_rows(op->w->type, (size_t)op->w->ne[0], c.cols, s->few);
    c.stored = m->pivots && m->slices == 1 && mpo_is_direct(m, op->u.core.core == 0 && op->u.core.layer->perm_out);
    c.row_blocks = (m->rows - (c.stored ? m->pivots : 0) + c.rows - 1) / c.rows;
    c.col_blocks = linear_blocks(c.cols);
    return c;
}

static bool steps_run(const struct op *op, const struct step *s)
{
    return op_rows(op, s) < op->u.core.rebuild_from;
}

static size_t core_chunks(const struct op *op, const struct step *s)
{
    struct mpo_step m = step_of(op);
    struct cut c = cut_of(op, s, &m);
    return steps_run(op, s) ? c.row_blocks * c.col_blocks : 0;
}

/* Multiplies `count` neighbouring chunks of one block of columns. */
static void multiply(const struct op *op, struct exec *x, struct mpo_step m, const struct cut *c, size_t chunk, size_t count,
                     int thread)
{
    const struct layer_weights *layer = op->u.core.layer;
    size_t block = chunk % c->col_blocks, row = chunk / c->col_blocks * c->rows, first = linear_block(c->cols, block);
    size_t rows = count * c->rows, end = m.rows - row < rows ? m.rows : row + rows;
    const struct mpo_pivot *pivots = layer->pivots[op->u.core.core];
    if (c->stored) {
        bool last = row + rows >= m.rows - m.pivots;
        end = last ? m.rows : mpo_place(pivots, m.pivots, row + rows);
        row = row ? mpo_place(pivots, m.pivots, row) : 0;
    }
    struct mpo_part part = {
        .step = m,
        .w = op->w,
        .pivots = pivots,
        .row = row,
        .rows = end - row,
        .col = first,
        .cols = linear_block(c->cols, block + 1) - first,
        .x = exec_from(x, op, 0),
        .x_vector = type_bytes(x->plan->buffers[op->src].type, m.slices * m.cols),
        .z = op->src2 != NO_BUFFER ? x->buffer[op->src2] : NULL,
        .y = exec_to(x, op, 0),
        .ldy = (size_t)op->n_out,
        .bias = op->bias ? op->bias->data : NULL,
        .place = op->u.core.core == 0 && layer->perm_out ? layer->perm_out->data : NULL,
        .exact = x->plan->exact,
    };
    mpo_multiply(&part, x->scratch[thread]);
}

/* As linear's: of few columns, as many chunks together as the scratch has room for. */
static void core_run(const struct op *op, struct exec *x, size_t chunk, size_t count, int thread)
{
    struct mpo_step m = step_of(op);
    struct cut c = cut_of(op, &x->step, &m);
    size_t most = linear_unpacks(op->w->type, c.cols) ? 1 : mpo_outputs(LINEAR_MAX_ROWS) / (c.cols * c.rows);
    for (size_t end = chunk + count, n; chunk < end; chunk += n) {
        n = end - chunk < most ? end - chunk : most;
        multiply(op, x, m, &c, chunk, n, thread);
    }
}

/* Each core is read once a step and multiplied with all vectors of its virtual batch; of a gauged one all slices but the first
 * are added. */
static struct op_cost core_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    if (!steps_run(op, s)) return (struct op_cost){0};
    struct mpo_step m = step_of(op);
    double n = (double)op_rows(op, s), vectors = n * (double)m.vectors, pivots = (double)m.pivots;
    return (struct op_cost){
        .flops = 2 * vectors * (double)(m.rows * m.slices - m.pivots) * (double)m.cols,
        .special = (m.pivots ? vectors * (double)((m.slices - 1) * m.rows) : 0) + (op->bias ? n * op->n_out : 0),
        .weight_bytes =
            n > 0 ? (double)op->w->bytes + (double)sizeof(struct mpo_pivot) * pivots + (op->bias ? (double)op->bias->bytes : 0)
                  : 0,
        .activation_bytes = n * ((double)type_bytes(p->buffers[op->src].type, (size_t)op->n_in) + 4.0 * op->n_out),
    };
}

static size_t core_scratch(const struct op *op, const struct plan *p)
{
    struct mpo_step m = step_of(op);
    size_t rows = m.rows < LINEAR_MAX_ROWS ? m.rows : LINEAR_MAX_ROWS;
    return mpo_scratch(rows) + (p->exact ? linear_exact_scratch(op->w->type, rows, m.cols) : 0);
}

const struct op_def op_core = {
    "core", core_chunks, NULL, core_cost, .by_row = false, .scratch = core_scratch, .run_joined = core_run};

/* ---- contract: one step of another order ---- */

enum { PLACES = 64 /* of the batch, a chunk: each row of the core is dequantised once for them */ };

static struct mpo_contraction contraction_of(const struct op *op)
{
    return mpo_contraction(&op->u.core.layer->mpo, op->u.core.layer->order, op->u.core.core);
}

static size_t contract_chunks(const struct op *op, const struct step *s)
{
    struct mpo_contraction c = contraction_of(op);
    size_t blocks = (op_rows(op, s) * c.batch + PLACES - 1) / PLACES;
    return steps_run(op, s) ? blocks * op->u.core.layer->mpo.o[c.core] : 0;
}

static void contract_run(const struct op *op, struct exec *x, size_t chunk, int thread)
{
    const struct layer_weights *layer = op->u.core.layer;
    struct mpo_contraction c = contraction_of(op);
    size_t o = chunk % layer->mpo.o[c.core], first = chunk / layer->mpo.o[c.core] * PLACES,
           all = op_rows(op, &x->step) * c.batch;
    mpo_contract(&layer->mpo, &c, op->w, layer->pivots[c.core], o, first, all - first < PLACES ? all : first + PLACES,
                 exec_from(x, op, 0), exec_to(x, op, 0), op->bias ? op->bias->data : NULL, x->scratch[thread]);
}

/* Identity rows are multiplied here: what saves so much by another order can afford them. */
static struct op_cost contract_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    (void)p;
    if (!steps_run(op, s)) return (struct op_cost){0};
    struct mpo_contraction c = contraction_of(op);
    const struct mpo *m = &op->u.core.layer->mpo;
    double n = (double)op_rows(op, s), core = (double)(m->o[c.core] * m->r[c.core]) * (double)(m->i[c.core] * m->r[c.core + 1]);
    return (struct op_cost){.flops = 2 * n * (double)c.batch * core,
                            .special = op->bias ? n * op->n_out : 0,
                            .weight_bytes = n > 0 ? (double)op->w->bytes + (op->bias ? (double)op->bias->bytes : 0) : 0,
                            .activation_bytes = 4 * n * (double)(c.n_in + c.n_out)};
}

static size_t contract_scratch(const struct op *op, const struct plan *p)
{
    (void)p;
    return mpo_contract_scratch(&op->u.core.layer->mpo, contraction_of(op).core);
}

const struct op_def op_contract = {"contract",    contract_chunks, contract_run,
                                   contract_cost, .by_row = false, .scratch = contract_scratch};

/* ---- rebuild: the matrix, a few rows at a time, and the product with these ---- */

static size_t rebuild_chunks(const struct op *op, const struct step *s)
{
    return steps_run(op, s) ? 0 : ((size_t)op->n_out + REBUILD_ROWS - 1) / REBUILD_ROWS;
}

static void rebuild_run(const struct op *op, struct exec *x, size_t chunk, int thread)
{
    const struct layer_weights *layer = op->u.core.layer;
    size_t row = chunk * REBUILD_ROWS, left = (size_t)op->n_out - row, n_in = (size_t)op->n_in;
    size_t rows = left < REBUILD_ROWS ? left : REBUILD_ROWS;
    float *panel = x->scratch[thread];
    mpo_rebuild_rows(&layer->mpo, layer->core, (const struct mpo_pivot *const *)layer->pivots, row, rows, panel,
                     panel + REBUILD_ROWS * n_in);
    struct tensor w = {
        .type = TYPE_F32, .n_dims = 2, .ne = {op->n_in, (int64_t)rows, 1, 1}, .row_bytes = n_in * sizeof *panel, .data = panel};
    struct linear_part part = {.w = &w,
                               .bias = op->bias ? (const float *)op->bias->data + row : NULL,
                               .rows = rows,
                               .x = exec_from(x, op, 0),
                               .x_stride = n_in * sizeof *panel,
                               .cols = op_rows(op, &x->step),
                               .y = (float *)exec_to(x, op, 0) + row,
                               .ldy = (size_t)op->n_out};
    if (x->plan->exact)
        linear_multiply_exact(&part, NULL);
    else
        linear_multiply(&part);
}

static struct op_cost rebuild_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    (void)p;
    if (steps_run(op, s)) return (struct op_cost){0};
    const struct layer_weights *layer = op->u.core.layer;
    double n = (double)op_rows(op, s), in = op->n_in, out = op->n_out, weights = 0;
    for (int k = 0; k < layer->mpo.d; k++) weights += (double)layer->core[k]->bytes;
    return (struct op_cost){.flops = mpo_rebuild_flops(&layer->mpo, REBUILD_ROWS) + 2 * n * in * out,
                            .special = op->bias ? n * out : 0,
                            .weight_bytes = weights,
                            .activation_bytes = 4 * n * (in + out)};
}

static size_t rebuild_scratch(const struct op *op, const struct plan *p)
{
    (void)p;
    return REBUILD_ROWS * (size_t)op->n_in + mpo_rebuild_scratch(&op->u.core.layer->mpo, REBUILD_ROWS);
}

const struct op_def op_rebuild = {"rebuild",    rebuild_chunks,  rebuild_run,
                                  rebuild_cost, .by_row = false, .scratch = rebuild_scratch};

/* ---- outer: y += sum over j of z[j] times row j of a matrix whose rows lie along the outputs ----
 *
 * So a correction of any rank can be stored in any type: the blocks run along the outputs, however few rows there are. */

enum { OUTER_COLS = 256 /* whole blocks of every type */, OUTER_TOKENS = 64, OUTER_ROWS = 64 };

static size_t outer_chunks(const struct op *op, const struct step *s)
{
    return ((size_t)op->n_out + OUTER_COLS - 1) / OUTER_COLS * ((op_rows(op, s) + OUTER_TOKENS - 1) / OUTER_TOKENS);
}

static void outer_run(const struct op *op, struct exec *x, size_t chunk, int thread)
{
    size_t segments = ((size_t)op->n_out + OUTER_COLS - 1) / OUTER_COLS, from = chunk % segments * OUTER_COLS;
    size_t first = chunk / segments * OUTER_TOKENS, end = op_rows(op, &x->step), rank = (size_t)op->n_in;
    size_t n = (size_t)op->n_out - from < OUTER_COLS ? (size_t)op->n_out - from : OUTER_COLS;
    float *rows = x->scratch[thread];
    if (end - first > OUTER_TOKENS) end = first + OUTER_TOKENS;
    for (size_t j = 0; j < rank; j += OUTER_ROWS) {
        size_t k = rank - j < OUTER_ROWS ? rank - j : OUTER_ROWS;
        for (size_t i = 0; i < k; i++)
            type_dequantise(op->w->type, rows + i * n,
                            (const char *)tensor_row(op->w, (int64_t)(j + i)) + type_bytes(op->w->type, from), n);
        for (size_t t = first; t < end; t++)
            K.f32_axpy(&(struct axpy_args){.y = (float *)exec_to(x, op, t) + from,
                                           .x = rows,
                                           .x_stride = n,
                                           .s = (float *)exec_from(x, op, t) + j,
                                           .k = k,
                                           .n = n});
    }
}

static struct op_cost outer_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    (void)p;
    double n = (double)op_rows(op, s), rank = op->n_in, out = op->n_out;
    return (struct op_cost){.flops = 2 * n * rank * out,
                            .weight_bytes = n > 0 ? (double)op->w->bytes : 0,
                            .activation_bytes = 4 * n * (rank + 2 * out)};
}

static size_t outer_scratch(const struct op *op, const struct plan *p)
{
    (void)op, (void)p;
    return OUTER_ROWS * OUTER_COLS;
}

const struct op_def op_outer = {"outer", outer_chunks, outer_run, outer_cost, .by_row = false, .scratch = outer_scratch};

/* ---- pick: some elements of a row, in the order of an index ---- */

static size_t pick_chunks(const struct op *op, const struct step *s)
{
    return op_rows(op, s);
}

static void pick_run(const struct op *op, struct exec *x, size_t row, int thread)
{
    (void)thread;
    const int32_t *index = op->u.pick.index->data;
    const float *from = exec_from(x, op, row);
    float *y = exec_to(x, op, row);
    for (int j = 0; j < op->n_out; j++) y[j] = from[index[j]];
}

static struct op_cost pick_cost(const struct op *op, const struct plan *p, const struct step *s)
{
    (void)p;
    double n = (double)op_rows(op, s);
    return (struct op_cost){.weight_bytes = n > 0 ? (double)op->u.pick.index->bytes : 0, .activation_bytes = 8 * n * op->n_out};
}

const struct op_def op_pick = {"pick", pick_chunks, pick_run, pick_cost, .by_row = true};
