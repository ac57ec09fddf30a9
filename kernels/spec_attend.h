/* spec_attend.h - the spec of the three attention ops, and the scalar algorithm, which differ only in how a row of the cache is
 * stored. Before including it, define KV_BLOCK and KV_BLOCK_BYTES, the elements and the bytes of the smallest whole piece of a
 * row. SPDX-License-Identifier: MIT */
#ifndef HARTREE_SPEC_ATTEND_H
#define HARTREE_SPEC_ATTEND_H

#include "kernels/attend_range.h"
#include "kernels/spec_floats.h"

/* Reads d elements at p as floats. */
typedef void attend_load_fn(float *row, const void *p, size_t d);

/* Stores d floats at p. */
typedef void attend_store_fn(void *p, const float *row, size_t d);

/* One vector over positions begin <= t < end, one after another, in double, as a yardstick: y holds sum exp(s - m) v and is
 * scaled down when a new maximum m comes. */
static inline struct attend_state attend_scalar_piece(float *y, const struct attend_args *a, const float *q, size_t begin,
                                                      size_t end, attend_load_fn *load)
{
    float row[ATTEND_MAX_D];
    double acc[ATTEND_MAX_D], max = -INFINITY, sum = 0;
    for (size_t j = 0; j < a->d; j++) acc[j] = 0;
    for (size_t t = begin; t < end; t++) {
        load(row, (const char *)a->k + t * a->k_stride, a->d);
        double s = 0;
        for (size_t j = 0; j < a->d; j++) s += (double)q[j] * row[j];
        s *= a->scale;
        if (s > max) {
            double shrink = expf((float)(max - s));
            for (size_t j = 0; j < a->d; j++) acc[j] *= shrink;
            sum *= shrink;
            max = s;
        }
        double p = expf((float)(s - max));
        sum += p;
        load(row, (const char *)a->v + t * a->v_stride, a->d);
        for (size_t j = 0; j < a->d; j++) acc[j] += p * row[j];
    }
    for (size_t j = 0; j < a->d; j++) y[j] = (float)acc[j];
    return (struct attend_state){(float)max, (float)sum};
}

static inline void attend_scalar(const struct attend_args *a, attend_load_fn *load)
{
    float part[ATTEND_MAX_D];
    for (size_t i = 0; i < a->n_pos * a->group; i++) {
        size_t pos = i / a->group, head = i % a->group, end = attend_end(a, pos), t = attend_begin(a, pos);
        const float *q = a->q + pos * a->q_stride + head * a->d;
        float *y = a->y + pos * a->y_stride + head * a->d;
        struct attend_state s = {-INFINITY, 0};
        memset(y, 0, a->d * sizeof *y);
        for (size_t next; t < end; t = next) {
            next = t / ATTEND_PIECE * ATTEND_PIECE + ATTEND_PIECE;
            if (next > end) next = end;
            attend_fold(y, &s, part, attend_scalar_piece(part, a, q, t, next, load), a->d);
        }
        if (a->state) memcpy(a->state + 2 * i, &s, sizeof s);
        else attend_finish(y, s, a->d);
    }
}

/* `state`: a part, whose y is not divided by its sum. */
struct attend_shape {
    size_t n_pos, group, d, end, window;
    bool causal, state;
};

/* X(name, positions, vectors a position, elements, end, window, causal, state) */
#define ATTEND_SHAPES_OF_32(X)                                  \
    X(none, 0, 3, 32, 3, 0, true, false)                        \
    X(one, 1, 1, 32, 1, 0, true, false)                         \
    X(decode_4, 1, 4, 64, 7, 0, true, false)                    \
    X(decode_7, 1, 7, 128, 8, 0, true, false)                   \
    X(decode_a_tile, 1, 1, 96, 64, 0, true, false)              \
    X(decode_a_tile_and_one, 1, 5, 64, 65, 0, true, false)      \
    X(decode_a_window, 1, 4, 256, 700, 512, true, false)        \
    X(decode_14, 1, 14, 32, 20, 0, true, false)                 \
    X(decode_widest, 1, 2, 512, 33, 0, true, false)             \
    X(part, 1, 7, 64, 500, 200, true, true)                     \
    X(part_of_one, 2, 3, 96, 257, 1, false, true)               \
    X(causal_alone, 70, 1, 64, 1, 0, true, false)               \
    X(causal_7, 9, 7, 64, 60, 0, true, false)                   \
    X(causal_over_pieces, 13, 2, 128, 250, 0, true, false)      \
    X(causal_narrow_window, 40, 3, 32, 1, 9, true, false)       \
    X(causal_window, 21, 2, 256, 505, 256, true, false)         \
    X(causal_widest, 20, 3, 512, 50, 0, true, false)            \
    X(full, 33, 2, 64, 77, 0, false, false)                     \
    X(decode_at_4096, 1, 7, 64, 4096, 0, true, false)           \
    X(prefill_at_2048, 21, 6, 128, 2028, 0, true, false)

#if KV_BLOCK == 1
#define ATTEND_SHAPES(X)                                        \
    X(d_1, 1, 1, 1, 1, 0, true, false)                          \
    X(d_7, 5, 2, 7, 9, 0, true, false)                          \
    X(d_20, 3, 3, 20, 70, 3, true, false)                       \
    X(d_100, 11, 1, 100, 130, 0, false, false)                  \
    X(patches, 61, 1, 80, 203, 0, false, false)                 \
    X(patches_3848, 16, 1, 80, 3848, 0, false, false)           \
    ATTEND_SHAPES_OF_32(X)
#else
#define ATTEND_SHAPES ATTEND_SHAPES_OF_32
#endif

enum attend_shape_number {
#define X(name, ...) SHAPE_##name,
    ATTEND_SHAPES(X)
#undef X
};

static const struct attend_shape shapes[] = {
#define X(name, ...) {__VA_ARGS__},
    ATTEND_SHAPES(X)
#undef X
};

/* a is the number of the shape. */
static const struct kernel_case cases[] = {
#define X(name, ...) {#name, SHAPE_##name, 0, 0},
    ATTEND_SHAPES(X)
#undef X
};

static inline size_t row_bytes(size_t d)
{
    return d / KV_BLOCK * KV_BLOCK_BYTES;
}

/* Positions that some query sees: they alone are in memory. */
static inline size_t attend_first(const struct attend_args *a)
{
    return attend_begin(a, 0);
}

static inline size_t attend_last(const struct attend_args *a)
{
    return attend_end(a, a->n_pos ? a->n_pos - 1 : 0);
}

/* The arguments but for the memory; other heads' vectors stand between a position's and the next, and a block of another head's
 * after each row. */
static inline struct attend_args attend_case(const struct kernel_case *c)
{
    const struct attend_shape *s = &shapes[c->a];
    size_t kv_stride = row_bytes(s->d) + KV_BLOCK_BYTES, width = s->group * s->d;
    return (struct attend_args){.y_stride = width,
                                .q_stride = width + s->d,
                                .k_stride = kv_stride,
                                .v_stride = kv_stride,
                                .n_pos = s->n_pos,
                                .group = s->group,
                                .d = s->d,
                                .end = s->end,
                                .window = s->window,
                                .causal = s->causal,
                                .scale = 2 / sqrtf((float)s->d)};
}

/* y, then the states */
static size_t regions(const struct kernel_case *c, size_t bytes[KERNEL_MAX_REGIONS])
{
    const struct attend_shape *s = &shapes[c->a];
    struct attend_args a = attend_case(c);
    bytes[0] = s->n_pos * s->group * (s->d + (s->state ? 2 : 0)) * sizeof(float);
    bytes[1] = s->n_pos * a.q_stride * sizeof(float);
    bytes[2] = bytes[3] = (attend_last(&a) - attend_first(&a)) * a.k_stride - KV_BLOCK_BYTES;
    return 4;
}

static inline void fill_cache(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r,
                              union kernel_args *args, attend_store_fn *store)
{
    const struct attend_shape *s = &shapes[c->a];
    struct attend_args a = attend_case(c);
    float row[ATTEND_MAX_D];
    vspec_fill(r[1].data, s->n_pos * a.q_stride, &seed);
    for (int i = 2; i < 4; i++) {
        memset(r[i].data, 0, r[i].bytes);
        for (size_t at = 0; at < r[i].bytes; at += a.k_stride) {
            vspec_fill(row, s->d, &seed);
            store((char *)r[i].data + at, row, s->d);
        }
    }
    a.y = r[0].data;
    a.q = r[1].data;
    a.state = s->state ? a.y + s->n_pos * a.y_stride : NULL;
    a.k = (const void *)((uintptr_t)r[2].data - attend_first(&a) * a.k_stride); /* where position 0 would be */
    a.v = (const void *)((uintptr_t)r[3].data - attend_first(&a) * a.v_stride);
    args->attend = a;
}

/* Relative to the size of a row of v, 1: y is a mean of such rows, and may itself be near 0. A part's y is compared as its mean
 * too, its maximum as a factor of the weights, its sum relatively. */
static double error(const struct kernel_case *c, const union kernel_args *args, const void *want, const void *got)
{
    const struct attend_shape *s = &shapes[c->a];
    const float *w = want, *g = got;
    size_t n = s->n_pos * s->group;
    (void)args;
    if (!s->state) return vspec_max_difference(w, g, n * s->d, 1);
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        const float *ws = w + n * s->d + 2 * i, *gs = g + n * s->d + 2 * i;
        for (size_t j = 0; j < s->d; j++)
            worst = fmax(worst, vspec_difference(w[i * s->d + j] / ws[1], g[i * s->d + j] / gs[1], 1));
        worst = fmax(worst, fmax(vspec_difference(ws[0], gs[0], 1), vspec_difference(ws[1], gs[1], 0)));
    }
    return worst;
}

static struct kernel_work work(const union kernel_args *args)
{
    const struct attend_args *a = &args->attend;
    double pairs = 0, d = (double)a->d;
    for (size_t i = 0; i < a->n_pos; i++) pairs += (double)(a->group * (attend_end(a, i) - attend_begin(a, i)));
    double rows = a->n_pos ? (double)(attend_last(a) - attend_first(a)) : 0;
    return (struct kernel_work){.flops = 4 * pairs * d,
                                .special = 5 * pairs,
                                .bytes = 8 * (double)(a->n_pos * a->group) * d + 2 * rows * (double)row_bytes(a->d)};
}

/* The dot product's rounding, eps sqrt(d) times the size of a score, becomes a relative error of the weights. */
#define ATTEND_SPEC(fill_fn, kv_align)                                                                                         \
    {                                                                                                                          \
        .cases = cases, .n_cases = sizeof cases / sizeof *cases, .align = {0, 0, kv_align, kv_align}, .regions = regions,      \
        .fill = fill_fn, .error = error, .tolerance = 5e-6, .peak = PEAK_F32, .work = work,                                    \
    }

#endif
