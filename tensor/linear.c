/* SPDX-License-Identifier: MIT */
#include "tensor/linear.h"

#include "kernels/kernel.h"

/* A chunk of weights is long enough for memory to stream it, and short enough that a small matrix still makes a few. */
enum { TILE_WEIGHT_BYTES = 64 << 10, TILE_ACTIVATION_BYTES = 128 << 10 };

static size_t clamp(size_t v, size_t low, size_t high) { return v < low ? low : v > high ? high : v; }

struct linear_tile linear_tile(enum type weight, enum type activation, size_t n_in)
{
    size_t w = type_bytes(weight, n_in), x = type_bytes(activation, n_in);
    return (struct linear_tile){.rows = clamp(TILE_WEIGHT_BYTES / w, 8, 128) & ~(size_t)7,
                                .cols = clamp(TILE_ACTIVATION_BYTES / x, 8, 512) & ~(size_t)7};
}

static void add_bias(const struct linear_part *p)
{
    for (size_t c = 0; p->bias && c < p->cols; c++)
        K.f32_add(&(struct vec_args){.y = p->y + c * p->ldy, .x = p->bias + p->row, .n = p->rows});
}

void linear_multiply(const struct linear_part *p)
{
    size_t n = (size_t)p->w->ne[0], step = linear_tile(p->w->type, type_get(p->w->type)->activation, n).cols;
    for (size_t c = 0; c < p->cols; c += step)
        type_dot(p->w->type, &(struct dot_args){.y = p->y + c * p->ldy,
                                                .ldy = p->ldy,
                                                .w = tensor_row(p->w, (int64_t)p->row),
                                                .w_stride = p->w->row_bytes,
                                                .rows = p->rows,
                                                .x = (const char *)p->x + c * p->x_stride,
                                                .x_stride = p->x_stride,
                                                .cols = p->cols - c < step ? p->cols - c : step,
                                                .n = n});
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
