/* spec_attend.h - the spec of the three attention ops, and the scalar algorithm, which differ only in how a row of the cache is
 * stored. Before including it, define KV_BLOCK and KV_BLOCK_BYTES, the elements and the bytes of the smallest whole piece of a
 * row. SPDX-License-Identifier: MIT */
#ifndef HARTREE_SPEC_ATTEND_H
#define HARTREE_SPEC_ATTEND_H

#include "kernels/spec_floats.h"

enum { ATTEND_MAX_D = 512 };

/* Reads d elements at p as floats. */
typedef void attend_load_fn(float *row, const void *p, size_t d);

/* Stores d floats at p. */
typedef void attend_store_fn(void *p, const float *row, size_t d);

/* One position after another, in double, as a yardstick: y holds sum exp(s - m) v and is scaled down when a new maximum m
 * comes. */
static inline void attend_scalar(const struct attend_args *a, attend_load_fn *load)
{
    float row[ATTEND_MAX_D];
    double acc[ATTEND_MAX_D];
    for (size_t i = 0; i < a->n_q; i++) {
        const float *q = a->q + i * a->d;
        double max = -INFINITY, sum = 0;
        for (size_t j = 0; j < a->d; j++) acc[j] = 0;
        for (size_t t = 0; t < a->n_kv; t++) {
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
        for (size_t j = 0; j < a->d; j++) a->y[i * a->d + j] = (float)(acc[j] / sum);
    }
}

/* a queries, b positions, c elements; a row is followed by one block of another head's. */
static const struct kernel_case cases[] = {
#if KV_BLOCK == 1
    {"1x1x1", 1, 1, 1},       {"2x9x7", 2, 9, 7},           {"3x5x20", 3, 5, 20},       {"2x70x100", 2, 70, 100},
#endif
    {"0x3x32", 0, 3, 32},     {"1x1x32", 1, 1, 32},         {"4x7x64", 4, 7, 64},       {"7x8x128", 7, 8, 128},
    {"1x64x96", 1, 64, 96},   {"5x65x64", 5, 65, 64},       {"3x129x256", 3, 129, 256}, {"35x20x32", 35, 20, 32},
    {"2x33x512", 2, 33, 512}, {"4x2048x128", 4, 2048, 128},
};

static size_t row_bytes(size_t d)
{
    return d / KV_BLOCK * KV_BLOCK_BYTES;
}

static size_t regions(const struct kernel_case *c, size_t bytes[KERNEL_MAX_REGIONS])
{
    bytes[0] = bytes[1] = c->a * c->c * sizeof(float);
    bytes[2] = bytes[3] = c->b * row_bytes(c->c) + (c->b - 1) * KV_BLOCK_BYTES;
    return 4;
}

static inline void fill_cache(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r,
                              union kernel_args *args, attend_store_fn *store)
{
    float row[ATTEND_MAX_D];
    size_t stride = row_bytes(c->c) + KV_BLOCK_BYTES;
    vspec_fill(r[1].data, c->a * c->c, &seed);
    for (int i = 2; i < 4; i++) {
        memset(r[i].data, 0, r[i].bytes);
        for (size_t t = 0; t < c->b; t++) {
            vspec_fill(row, c->c, &seed);
            store((char *)r[i].data + t * stride, row, c->c);
        }
    }
    args->attend = (struct attend_args){.y = r[0].data,
                                        .q = r[1].data,
                                        .k = r[2].data,
                                        .v = r[3].data,
                                        .k_stride = stride,
                                        .v_stride = stride,
                                        .n_q = c->a,
                                        .n_kv = c->b,
                                        .d = c->c,
                                        .scale = 2 / sqrtf((float)c->c)};
}

/* Relative to the size of a row of v, 1: y is a mean of such rows, and may itself be near 0. */
static double error(const struct kernel_case *c, const union kernel_args *args, const void *want, const void *got)
{
    (void)args;
    return vspec_max_difference(want, got, c->a * c->c, 1);
}

static struct kernel_work work(const union kernel_args *args)
{
    const struct attend_args *a = &args->attend;
    double pairs = (double)a->n_q * (double)a->n_kv;
    return (struct kernel_work){.flops = 4 * pairs * (double)a->d,
                                .special = 5 * pairs,
                                .bytes = 8 * (double)a->n_q * (double)a->d + 2 * (double)a->n_kv * (double)row_bytes(a->d)};
}

/* The dot product's rounding, eps sqrt(d) times the size of a score, becomes a relative error of the weights. */
#define ATTEND_SPEC(fill_fn, kv_align)                                                                                         \
    {                                                                                                                          \
        .cases = cases, .n_cases = sizeof cases / sizeof *cases, .align = {0, 0, kv_align, kv_align}, .regions = regions,      \
        .fill = fill_fn, .error = error, .tolerance = 5e-6, .peak = PEAK_F32, .work = work,                                    \
    }

#endif
