/* SPDX-License-Identifier: MIT */
#include "tensor/linear.h"

#include "kernels/kernel.h"

/* A chunk of weights is long enough for memory to stream it, and short enough that a small matrix still makes a few. Its
 * rows fill the panels of every GEMM: those of AVX-512 take three times sixteen at once. */
enum { TILE_WEIGHT_BYTES = 64 << 10, TILE_ROWS = 48, GEMM_MIN_COLS = 3 };

static size_t clamp(size_t v, size_t low, size_t high) { return v < low ? low : v > high ? high : v; }

size_t linear_rows(enum type weight, size_t n_in)
{
    /* Float activations are long: a gemm's pass over them should serve a strip of rows and not half of one (gemm_float.h). */
    const size_t least = type_get(weight)->activation == TYPE_F32 ? 2 * TILE_ROWS : TILE_ROWS;
    return clamp(TILE_WEIGHT_BYTES / type_bytes(weight, n_in), least, 3 * TILE_ROWS) / TILE_ROWS * TILE_ROWS;
}

bool linear_unpacks(size_t cols) { return cols >= GEMM_MIN_COLS; }

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
    if (linear_unpacks(p->cols)) type_gemm(p->w->type, &a);
    else type_dot(p->w->type, &a);
    add_bias(p);
}

void linear_multiply_exact(const struct linear_part *p, float *scratch)
{
    size_t n = (size_t)p->w->ne[0];
    for (size_t r = 0; r < p->rows; r++) {
        const float *w = tensor_row(p->w, (int64_t)(p->row + r));
        if (p->w->type != TYPE_F32) {
            type_dequantise(p->w->type, scratch, w, n);
            w = scratch;
        }
        K.f32_dot(&(struct dot_args){.y = p->y + r, .ldy = p->ldy, .w = w, .w_stride = n * sizeof *w, .rows = 1, .x = p->x,
                                     .x_stride = p->x_stride, .cols = p->cols, .n = n});
    }
    add_bias(p);
}
