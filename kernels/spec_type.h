/* spec_type.h - what the specs of the type ops (dequant, quant, dot) share: cases, random blocks, errors, work.
 *
 * A scalar file names its type in one line, DOT_SPEC(Q4_K, DOT_CASES_256) or the like, and gets `spec`.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SPEC_TYPE_H
#define HARTREE_SPEC_TYPE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/blocks.h"
#include "kernels/half.h"
#include "kernels/kernel.h"
#include "base/random.h"
#include "kernels/type.h"

/* ---- Random data ---- */

/* Bell-shaped, mean 0, deviation 0.577, with one in 64 eight times as large, as weights and activations have. */
static inline float tspec_float(uint64_t *state)
{
    uint64_t z = random_next(state);
    int sum = (int)(z & 0xffff) + (int)(z >> 16 & 0xffff) + (int)(z >> 32 & 0xffff) - 98302;
    return (float)sum * (z >> 58 ? 0x1p-16f : 0x1p-13f);
}

static inline void tspec_floats(float *x, size_t n, uint64_t *state)
{
    for (size_t i = 0; i < n; i++) x[i] = tspec_float(state);
}

/* A scale of either sign within f16's normal numbers, 2^-8 to 2^-5: any of its 10 fraction bits. */
static inline uint16_t tspec_scale(uint64_t *state)
{
    uint64_t z = random_next(state);
    return (uint16_t)((z & 0x83ff) | (7 + (z >> 16) % 3) << 10);
}

/* Blocks of any code, one in four with every byte the same extreme one: the sums that overflow narrow arithmetic. */
static inline void tspec_blocks(enum type type, void *data, size_t n, uint64_t *state)
{
    static const uint8_t extremes[] = {0x00, 0xff, 0x80, 0x7f};
    static const struct {
        uint8_t n, at[2]; /* where a block's f16 scales stand */
    } scales[TYPE_FILE_END] = {
        [TYPE_Q8_0] = {1, {0}},    [TYPE_Q4_0] = {1, {0}},      [TYPE_Q5_0] = {1, {0}},   [TYPE_Q4_1] = {2, {0, 2}},
        [TYPE_Q5_1] = {2, {0, 2}}, [TYPE_Q2_K] = {2, {80, 82}}, [TYPE_Q3_K] = {1, {108}}, [TYPE_Q4_K] = {2, {0, 2}},
        [TYPE_Q5_K] = {2, {0, 2}}, [TYPE_Q6_K] = {1, {208}},
    };
    const struct type_info *t = type_get(type);
    for (uint8_t *b = data, *end = b + n / t->block * t->block_bytes; b < end; b += t->block_bytes) {
        float x = tspec_float(state);
        uint16_t half = type == TYPE_F16 ? f16_from_f32(x) : bf16_from_f32(x);
        if (type == TYPE_F32) memcpy(b, &x, 4);
        if (type == TYPE_F16 || type == TYPE_BF16) memcpy(b, &half, 2);
        if (t->block == 1) continue;
        uint64_t z = random_next(state);
        for (size_t i = 0; i < t->block_bytes; i++) b[i] = z & 3 ? (uint8_t)random_next(state) : extremes[z >> 2 & 3];
        for (int i = 0; i < scales[type].n; i++) {
            uint16_t s = tspec_scale(state);
            memcpy(b + scales[type].at[i], &s, 2);
        }
    }
}

/* Activations of a product: floats, or blocks of codes whose sums agree, one in four all 127 or all -127. */
static inline void tspec_activations(enum type type, void *data, size_t n, uint64_t *state)
{
    if (type == TYPE_F32) {
        tspec_blocks(type, data, n, state);
    } else if (type == TYPE_Q8_A32) {
        struct block_q8_a32 *b = data;
        for (size_t i = 0; i < n / 32; i++) {
            uint64_t z = random_next(state);
            int sum = 0;
            for (int k = 0; k < 32; k++) {
                int q = z & 3 ? (int)(random_next(state) % 255) - 127 : z & 4 ? 127 : -127;
                b[i].qs[k] = (int8_t)q, sum += q;
            }
            b[i].d = (float)(z >> 40) * 0x1p-30f;
            b[i].sum = sum;
        }
    } else {
        struct block_q8_a256 *b = data;
        for (size_t i = 0; i < n / 256; i++) {
            uint64_t z = random_next(state);
            memset(b[i].bsums, 0, sizeof b[i].bsums);
            for (int k = 0; k < 256; k++) {
                int q = z & 3 ? (int)(random_next(state) % 255) - 127 : z & 4 ? 127 : -127;
                b[i].qs[k] = (int8_t)q, b[i].bsums[k / 16] = (int16_t)(b[i].bsums[k / 16] + q);
            }
            b[i].d = (float)(z >> 40) * 0x1p-30f;
        }
    }
}

/* What activations stand for. */
static inline void tspec_activation_values(enum type type, float *y, const void *x, size_t n)
{
    if (type == TYPE_F32) memcpy(y, x, n * sizeof *y);
    for (size_t i = 0; i < n && type != TYPE_F32; i++) {
        const struct block_q8_a32 *a = (const struct block_q8_a32 *)x + i / 32;
        const struct block_q8_a256 *b = (const struct block_q8_a256 *)x + i / 256;
        y[i] = type == TYPE_Q8_A32 ? a->d * a->qs[i % 32] : b->d * b->qs[i % 256];
    }
}

/* By the reference rows, whatever is bound. */
static inline void tspec_values(enum type type, float *y, const void *x, size_t n)
{
    if (type >= TYPE_FILE_END) {
        tspec_activation_values(type, y, x, n);
        return;
    }
    char op[32] = "";
    strcat(strcpy(op, type_get(type)->op), "_dequant");
    const struct dequant_args a = {y, x, n};
    kernel_reference(op)->fn.f32_dequant(&a); /* every dequant has this one signature */
}

/* ---- dot ---- */

/* a: n, b: rows, c: cols. Tiles of columns and rows leave every remainder; LONG is a row that kernels may take in slices; the
 * last case is what the benchmark times. */
#define DOT_CASES(N0, N1, N2, N3, LONG)                                                                                        \
    {                                                                                                                          \
        {"none", 0, 3, 2}, {#N0 "x1x1", N0, 1, 1}, {#N1 "x3x1", N1, 3, 1}, {#N2 "x8x2", N2, 8, 2}, {#N1 "x17x3", N1, 17, 3},   \
            {#N3 "x8x4", N3, 8, 4}, {#N2 "x3x5", N2, 3, 5}, {#N1 "x5x8", N1, 5, 8}, {#N0 "x17x33", N0, 17, 33},                \
            {#LONG "x33x2", LONG, 33, 2}, {"x3x5x2", 3 * N0, 5, 2}, {"x6x6x1", 6 * N0, 6, 1}, {"x7x4x5", 7 * N0, 4, 5},        \
            {#LONG "+2x4x3", LONG + 2 * N0, 4, 3},                                                                             \
        {                                                                                                                      \
            "2048x256x1", 2048, 256, 1                                                                                         \
        }                                                                                                                      \
    }
#define DOT_CASES_1   DOT_CASES(1, 7, 31, 97, 1033)
#define DOT_CASES_32  DOT_CASES(32, 64, 160, 544, 8224)
#define DOT_CASES_256 DOT_CASES(256, 512, 768, 1280, 2304)

/* Strides have gaps where the number of rows is odd: a row of weights may be part of a wider one, an output of a longer column.
 */
static inline struct dot_args tspec_dot_shape(enum type type, const struct kernel_case *c)
{
    const struct type_info *t = type_get(type);
    size_t gap = c->b % 2;
    return (struct dot_args){.ldy = c->b + 2 * gap,
                             .w_stride = type_bytes(type, c->a) + gap * t->block_bytes,
                             .rows = c->b,
                             .x_stride = type_bytes(t->activation, c->a) + 4 * gap,
                             .cols = c->c,
                             .n = c->a};
}

static inline size_t tspec_dot_regions(enum type type, const struct kernel_case *c, size_t bytes[KERNEL_MAX_REGIONS])
{
    struct dot_args a = tspec_dot_shape(type, c);
    bytes[0] = ((a.cols - 1) * a.ldy + a.rows) * sizeof(float);
    bytes[1] = (a.rows - 1) * a.w_stride + type_bytes(type, a.n);
    bytes[2] = (a.cols - 1) * a.x_stride + type_bytes(type_get(type)->activation, a.n);
    return 3;
}

static inline void tspec_dot_fill(enum type type, const struct kernel_case *c, uint64_t seed, const struct kernel_region *r,
                                  union kernel_args *args)
{
    struct dot_args a = tspec_dot_shape(type, c);
    memset(r[1].data, 0xa5, r[1].bytes);
    memset(r[2].data, 0xa5, r[2].bytes);
    for (size_t i = 0; i < a.rows; i++) tspec_blocks(type, (char *)r[1].data + i * a.w_stride, a.n, &seed);
    for (size_t i = 0; i < a.cols; i++)
        tspec_activations(type_get(type)->activation, (char *)r[2].data + i * a.x_stride, a.n, &seed);
    a.y = r[0].data, a.w = r[1].data, a.x = r[2].data;
    args->dot = a;
}

/* The worst output's |got - want| / sum of |w x|; infinite where one is no number and the other is. */
static inline double tspec_dot_error(enum type type, const union kernel_args *args, const void *want, const void *got)
{
    const struct dot_args *a = &args->dot;
    float *w = malloc((a->cols + 1) * (a->n + 1) * sizeof *w), *x = w + a->n;
    for (size_t c = 0; c < a->cols; c++)
        tspec_values(type_get(type)->activation, x + c * a->n, (const char *)a->x + c * a->x_stride, a->n);
    double worst = 0;
    for (size_t r = 0; r < a->rows; r++) {
        tspec_values(type, w, (const char *)a->w + r * a->w_stride, a->n);
        for (size_t c = 0; c < a->cols; c++) {
            float g, v;
            memcpy(&g, (const char *)got + (c * a->ldy + r) * sizeof g, sizeof g);
            memcpy(&v, (const char *)want + (c * a->ldy + r) * sizeof v, sizeof v);
            if (g == v || (isnan(g) && isnan(v))) continue;
            double terms = 0;
            for (size_t k = 0; k < a->n; k++) terms += fabs((double)w[k] * x[c * a->n + k]);
            double e = fabs((double)g - v) / terms;
            worst = fmax(worst, isnan(e) ? (double)INFINITY : e);
        }
    }
    free(w);
    return worst;
}

static inline struct kernel_work tspec_dot_work(enum type type, const struct dot_args *a)
{
    double outputs = (double)a->rows * (double)a->cols;
    return (struct kernel_work){.flops = 2 * outputs * (double)a->n,
                                .bytes = (double)a->rows * (double)type_bytes(type, a->n) + 4 * outputs +
                                         (double)a->cols * (double)type_bytes(type_get(type)->activation, a->n)};
}

/* Float weights multiply float activations; the others codes. Blocks may stand anywhere, floats only where floats may. */
#define TSPEC_IS_FLOAT(t)         ((t) == TYPE_F32 || (t) == TYPE_F16 || (t) == TYPE_BF16)
#define TSPEC_ACTIVATION_ALIGN(t) (TSPEC_IS_FLOAT(t) ? 4 : 1)

/* ---- gemm: the same product, at sizes that leave remainders of panels of rows and groups of columns, and at rows longer than
 * a panel is deep ---- */

#define GEMM_CASES(N0, N1, N2, N3)                                                                                             \
    {                                                                                                                          \
        {"none", 0, 3, 2}, {#N0 "x1x1", N0, 1, 1}, {#N1 "x16x4", N1, 16, 4}, {#N2 "x17x9", N2, 17, 9},                         \
            {#N1 "x40x13", N1, 40, 13}, {#N2 "x33x6", N2, 33, 6}, {#N3 "x15x7", N3, 15, 7}, {#N0 "x64x32", N0, 64, 32},        \
        {                                                                                                                      \
            "2048x96x256", 2048, 96, 256                                                                                       \
        }                                                                                                                      \
    }
#define GEMM_CASES_1   GEMM_CASES(1, 7, 31, 1997)
#define GEMM_CASES_32  GEMM_CASES(32, 64, 160, 4128)
#define GEMM_CASES_256 GEMM_CASES(256, 512, 768, 4352)

/* A gemm's scalar row is the dot's: the sums are the same. */
#define GEMM_SCALAR(prefix)                                                                                                    \
    extern const struct kernel prefix##_dot_scalar_row;                                                                        \
    static void prefix##_gemm_scalar(const struct dot_args *a)                                                                 \
    {                                                                                                                          \
        prefix##_dot_scalar_row.fn.prefix##_dot(a);                                                                            \
    }                                                                                                                          \
    KERNEL(prefix##_gemm, scalar, .exact = true, .spec = &spec)

/* Integer sums are exact; what remains is rounding in f32 of some 50 partial sums. f32, f16 and bf16 round every product. */
#define DOT_SPEC(TYPE, CASES)                                                                                                  \
    static const struct kernel_case cases[] = CASES;                                                                           \
    static size_t regions(const struct kernel_case *c, size_t bytes[KERNEL_MAX_REGIONS])                                       \
    {                                                                                                                          \
        return tspec_dot_regions(TYPE_##TYPE, c, bytes);                                                                       \
    }                                                                                                                          \
    static void fill(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r, union kernel_args *args)       \
    {                                                                                                                          \
        tspec_dot_fill(TYPE_##TYPE, c, seed, r, args);                                                                         \
    }                                                                                                                          \
    static double error(const struct kernel_case *c, const union kernel_args *args, const void *want, const void *got)         \
    {                                                                                                                          \
        (void)c;                                                                                                               \
        return tspec_dot_error(TYPE_##TYPE, args, want, got);                                                                  \
    }                                                                                                                          \
    static struct kernel_work work(const union kernel_args *args)                                                              \
    {                                                                                                                          \
        return tspec_dot_work(TYPE_##TYPE, &args->dot);                                                                        \
    }                                                                                                                          \
    static const struct kernel_spec spec = {.cases = cases,                                                                    \
                                            .n_cases = sizeof cases / sizeof *cases,                                           \
                                            .align = {4, 1, TSPEC_ACTIVATION_ALIGN(TYPE_##TYPE)},                              \
                                            .regions = regions,                                                                \
                                            .fill = fill,                                                                      \
                                            .error = error,                                                                    \
                                            .tolerance = 1e-6,                                                                 \
                                            .peak = TSPEC_IS_FLOAT(TYPE_##TYPE) ? PEAK_F32 : PEAK_I8,                          \
                                            .work = work}

/* ---- dequant and quant: a elements; b: with importance ---- */

#define CONVERT_CASES_1                                                                                                        \
    {                                                                                                                          \
        {"0", 0, 0, 0}, {"1", 1, 0, 0}, {"7", 7, 0, 0}, {"8", 8, 0, 0}, {"31", 31, 0, 0}, {"1000", 1000, 0, 0},                \
        {                                                                                                                      \
            "4096", 4096, 0, 0                                                                                                 \
        }                                                                                                                      \
    }
#define CONVERT_CASES_32                                                                                                       \
    {                                                                                                                          \
        {"0", 0, 0, 0}, {"32", 32, 0, 0}, {"96", 96, 0, 0}, {"1056", 1056, 0, 0}, {"4096", 4096, 0, 0},                        \
        {                                                                                                                      \
            "96i", 96, 1, 0                                                                                                    \
        }                                                                                                                      \
    }
#define CONVERT_CASES_256                                                                                                      \
    {                                                                                                                          \
        {"0", 0, 0, 0}, {"256", 256, 0, 0}, {"768", 768, 0, 0}, {"4096", 4096, 0, 0},                                          \
        {                                                                                                                      \
            "768i", 768, 1, 0                                                                                                  \
        }                                                                                                                      \
    }

static inline double tspec_dequant_error(const struct kernel_case *c, const void *want, const void *got)
{
    return c->a && memcmp(want, got, c->a * sizeof(float)) ? (double)INFINITY : 0;
}

/* How much larger than the reference's the root-mean-square error against the floats is, as a fraction. */
static inline double tspec_quant_error(enum type type, const struct kernel_case *c, const union kernel_args *args,
                                       const void *want, const void *got)
{
    const struct type_info *t = type_get(type);
    double reference = 0, other = 0;
    for (size_t k = 0; k < c->a; k += t->block) {
        float v[256], g[256];
        tspec_values(type, v, (const char *)want + k / t->block * t->block_bytes, t->block);
        tspec_values(type, g, (const char *)got + k / t->block * t->block_bytes, t->block);
        for (size_t i = 0; i < t->block; i++) {
            double x = args->quant.x[k + i];
            reference += (v[i] - x) * (v[i] - x);
            other += (g[i] - x) * (g[i] - x);
        }
    }
    if (other <= reference) return 0;
    return reference > 0 ? sqrt(other / reference) - 1 : (double)INFINITY; /* NaN comes here too */
}

#define DEQUANT_SPEC(TYPE, CASES)                                                                                              \
    static const struct kernel_case cases[] = CASES;                                                                           \
    static size_t regions(const struct kernel_case *c, size_t bytes[KERNEL_MAX_REGIONS])                                       \
    {                                                                                                                          \
        bytes[0] = c->a * sizeof(float);                                                                                       \
        bytes[1] = type_bytes(TYPE_##TYPE, c->a);                                                                              \
        return 2;                                                                                                              \
    }                                                                                                                          \
    static void fill(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r, union kernel_args *args)       \
    {                                                                                                                          \
        tspec_blocks(TYPE_##TYPE, r[1].data, c->a, &seed);                                                                     \
        args->dequant = (struct dequant_args){r[0].data, r[1].data, c->a};                                                     \
    }                                                                                                                          \
    static double error(const struct kernel_case *c, const union kernel_args *args, const void *want, const void *got)         \
    {                                                                                                                          \
        (void)args;                                                                                                            \
        return tspec_dequant_error(c, want, got);                                                                              \
    }                                                                                                                          \
    static struct kernel_work work(const union kernel_args *args)                                                              \
    {                                                                                                                          \
        return (struct kernel_work){.bytes = (double)(type_bytes(TYPE_##TYPE, args->dequant.n) + 4 * args->dequant.n)};        \
    }                                                                                                                          \
    static const struct kernel_spec spec = {.cases = cases,                                                                    \
                                            .n_cases = sizeof cases / sizeof *cases,                                           \
                                            .align = {4, 1},                                                                   \
                                            .regions = regions,                                                                \
                                            .fill = fill,                                                                      \
                                            .error = error,                                                                    \
                                            .work = work}

#define QUANT_SPEC(TYPE, CASES)                                                                                                \
    static const struct kernel_case cases[] = CASES;                                                                           \
    static size_t regions(const struct kernel_case *c, size_t bytes[KERNEL_MAX_REGIONS])                                       \
    {                                                                                                                          \
        bytes[0] = type_bytes(TYPE_##TYPE, c->a);                                                                              \
        bytes[1] = c->a * sizeof(float);                                                                                       \
        bytes[2] = c->b * bytes[1];                                                                                            \
        return 2 + c->b;                                                                                                       \
    }                                                                                                                          \
    static void fill(const struct kernel_case *c, uint64_t seed, const struct kernel_region *r, union kernel_args *args)       \
    {                                                                                                                          \
        tspec_floats(r[1].data, c->a, &seed);                                                                                  \
        float *importance = c->b ? r[2].data : NULL;                                                                           \
        for (size_t i = 0; i < c->b * c->a; i++) importance[i] = fabsf(tspec_float(&seed));                                    \
        args->quant = (struct quant_args){r[0].data, r[1].data, importance, c->a};                                             \
    }                                                                                                                          \
    static double error(const struct kernel_case *c, const union kernel_args *args, const void *want, const void *got)         \
    {                                                                                                                          \
        return tspec_quant_error(TYPE_##TYPE, c, args, want, got);                                                             \
    }                                                                                                                          \
    static struct kernel_work work(const union kernel_args *args)                                                              \
    {                                                                                                                          \
        size_t floats = args->quant.importance ? 2 : 1;                                                                        \
        return (struct kernel_work){.bytes = (double)(type_bytes(TYPE_##TYPE, args->quant.n) + 4 * floats * args->quant.n)};   \
    }                                                                                                                          \
    static const struct kernel_spec spec = {.cases = cases,                                                                    \
                                            .n_cases = sizeof cases / sizeof *cases,                                           \
                                            .align = {1, 4, 4},                                                                \
                                            .regions = regions,                                                                \
                                            .fill = fill,                                                                      \
                                            .error = error,                                                                    \
                                            .tolerance = 0.01,                                                                 \
                                            .work = work}

#endif
