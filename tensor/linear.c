/* SPDX-License-Identifier: MIT */
#include "tensor/linear.h"

#include "kernels/kernel.h"

/* Bytes of weights a chunk, about. Of a dot few: threads take many neighbouring ones at a time (pool_claim), which memory
 * streams, and single ones towards the end. */
enum { DOT_CHUNK_BYTES = 8 << 10, GEMM_CHUNK_BYTES = 64 << 10 };

/* Rows come by whole panels of every GEMM: AVX-512's take three times sixteen at once. Float activations are long, so a pass
 * over them should serve a strip of rows and not half of one (gemm_float.h). */
enum { DOT_CHUNK_ROWS = 16, GEMM_CHUNK_ROWS = LINEAR_MAX_ROWS / 3 };

static size_t clamp(size_t v, size_t low, size_t high) { return v < low ? low : v > high ? high : v; }

static bool floats(enum type weight) { return type_get(weight)->activation == TYPE_F32; }

size_t linear_rows(enum type weight, size_t n_in, size_t cols, const unsigned char *few)
{
    size_t row = type_bytes(weight, n_in);
    if (cols <= (few ? few[weight] : linear_few(weight)))
        return clamp(DOT_CHUNK_BYTES / row, DOT_CHUNK_ROWS, 8 * DOT_CHUNK_ROWS) / DOT_CHUNK_ROWS * DOT_CHUNK_ROWS;
    size_t least = floats(weight) ? 2 * GEMM_CHUNK_ROWS : GEMM_CHUNK_ROWS;
    return clamp(GEMM_CHUNK_BYTES / row, least, LINEAR_MAX_ROWS) / GEMM_CHUNK_ROWS * GEMM_CHUNK_ROWS;
}

size_t linear_few_unmeasured(enum type weight) { return floats(weight) ? LINEAR_MAX_FEW : 2; }

size_t linear_few(enum type weight)
{
    unsigned few = type_dot_few(weight);
    return few ? few : linear_few_unmeasured(weight);
}

bool linear_unpacks(enum type weight, size_t cols) { return cols > linear_few(weight); }

static void add_bias(const struct linear_part *p)
{
    for (size_t c = 0; p->bias && c < p->cols; c++)
        K.f32_add(&(struct vec_args){.y = p->y + c * p->ldy, .x = p->bias + p->row, .n = p->rows});
}

void linear_multiply(const struct linear_part *p)
{
    const struct dot_args a = {.y = p->y,
                               .ldy = p->ldy,
                               .w = tensor_row(p->w, (int64_t)p->row),
                               .w_stride = p->w->row_bytes,
                               .rows = p->rows,
                               .x = p->x,
                               .x_stride = p->x_stride,
                               .cols = p->cols,
                               .n = (size_t)p->w->ne[0]};
    if (linear_unpacks(p->w->type, p->cols)) type_gemm(p->w->type, &a);
    else type_dot(p->w->type, &a);
    add_bias(p);
}

size_t linear_exact_scratch(enum type weight, size_t rows, size_t n_in)
{
    return weight == TYPE_F32 ? 0 : clamp(rows, 1, GEMM_CHUNK_ROWS) * n_in;
}

void linear_multiply_exact(const struct linear_part *p, float *scratch)
{
    const size_t n = (size_t)p->w->ne[0];
    const bool stored = p->w->type == TYPE_F32, many = linear_unpacks(TYPE_F32, p->cols);
    const size_t at_once = stored ? p->rows : many ? GEMM_CHUNK_ROWS : 1;
    for (size_t r = 0, rows; r < p->rows; r += rows) {
        rows = p->rows - r < at_once ? p->rows - r : at_once;
        for (size_t i = 0; i < rows && !stored; i++)
            type_dequantise(p->w->type, scratch + i * n, tensor_row(p->w, (int64_t)(p->row + r + i)), n);
        const struct dot_args a = {.y = p->y + r,
                                   .ldy = p->ldy,
                                   .w = stored ? tensor_row(p->w, (int64_t)p->row) : scratch,
                                   .w_stride = stored ? p->w->row_bytes : n * sizeof *scratch,
                                   .rows = rows,
                                   .x = p->x,
                                   .x_stride = p->x_stride,
                                   .cols = p->cols,
                                   .n = n};
        if (many) K.f32_gemm(&a);
        else K.f32_dot(&a);
    }
    add_bias(p);
}
