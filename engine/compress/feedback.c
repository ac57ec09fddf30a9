/* SPDX-License-Identifier: MIT */
#include "engine/compress/feedback.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/compress/subspace.h"

enum {
    JOIN_RUN = 32, /* numbers of one row that stay together among joined ones: what a scale is for in every block type */
    MAX_BLOCK = 256,
};

/* ---- Joined rows ---- */

size_t join_rows(enum type type, size_t n_in, size_t n_out)
{
    size_t block = type_get(type)->block;
    if (n_in % block == 0) return 1;
    if (n_in % JOIN_RUN) return 0;
    for (size_t join = 2; join <= MAX_BLOCK / JOIN_RUN; join *= 2)
        if (n_out % join == 0 && n_in * join % block == 0) return join;
    return 0;
}

void join_mpo(size_t join, size_t n_in, size_t n_out, struct mpo *m)
{
    *m = (struct mpo){.d = 2, .o = {n_out / join, join}, .i = {n_in / JOIN_RUN, JOIN_RUN}, .r = {1, join * JOIN_RUN, 1}};
}

void join_selection(size_t join, float *y)
{
    /* Row (o, (o', i')) over i: one where o = o' and i = i'. */
    size_t r = join * JOIN_RUN;
    for (size_t o = 0; o < join; o++)
        for (size_t a = 0; a < r; a++)
            for (size_t i = 0; i < JOIN_RUN; i++) y[(o * r + a) * JOIN_RUN + i] = a == o * JOIN_RUN + i;
}

/* ---- Quantising ---- */

struct job {
    const struct compact_form *f;
    const float *w;
    size_t n_out, join, block, panel, panels; /* panel: columns of the matrix that a block covers */
    enum type type;
    struct pool *pool;
    char *out;
    float *q;
    float *give;   /* n x k: what a column's error adds to what its row carries */
    float *get;    /* n x k: how much of that moves a later column */
    float *weight; /* n: what an error of a column costs */
    float *carry;  /* a thread: join x k numbers */
};

/* M = (1 + S)^-1 of each panel from the last to the first, S growing by its columns; from it `give` and the weights. */
static bool prepare(struct job *j, struct error *e)
{
    const struct compact_form *f = j->f;
    size_t n = f->n, k = f->k;
    double *s = calloc(2 * k * k + 1, sizeof *s), *inverse = s ? s + k * k : NULL;
    if (!s) return fail(e, "metric: found no memory for %zu x %zu numbers", k, k);
    bool ok = true;
    for (size_t i = 0; i < n; i++)
        for (size_t a = 0; a < k; a++) j->get[i * k + a] = f->u[a * n + i] / f->rest[i];
    for (size_t a = 0; a < k; a++) s[a * k + a] = 1;
    for (size_t p = j->panels; ok && p-- > 0;) {
        size_t first = p * j->panel, end = first + j->panel;
        memcpy(inverse, s, k * k * sizeof *s);
        ok = subspace_invert(k, inverse) || fail(e, "metric: found numbers that are not finite");
        for (size_t i = first; ok && i < end; i++) {
            double cost = (double)f->rest[i];
            for (size_t a = 0; a < k; a++) {
                double sum = 0;
                for (size_t b = 0; b < k; b++) sum += inverse[a * k + b] * (double)f->u[b * n + i];
                j->give[i * k + a] = (float)sum;
                cost += sum * (double)f->u[a * n + i];
            }
            j->weight[i] = (float)cost;
        }
        for (size_t i = first; ok && i < end; i++)
            for (size_t a = 0; a < k; a++)
                for (size_t b = 0; b < k; b++) s[a * k + b] += (double)f->u[a * n + i] * (double)j->get[i * k + b];
    }
    free(s);
    return ok;
}

/* Sums of eight, so that a compiler may keep them in a vector. */
static float dot(const float *x, const float *y, size_t n)
{
    float sum[8] = {0}, rest = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t c = 0; c < 8; c++) sum[c] += x[i + c] * y[i + c];
    for (; i < n; i++) rest += x[i] * y[i];
    return rest + ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

static void add(float *y, float a, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] += a * x[i];
}

/* Element b of a block: of which of the joined rows, and which column counted from the panel's first. */
struct place {
    size_t o, i;
};

static struct place place_of(const struct job *j, size_t b)
{
    size_t run = b / JOIN_RUN;
    return j->join == 1 ? (struct place){0, b} : (struct place){run % j->join, run / j->join * JOIN_RUN + b % JOIN_RUN};
}

/* One row of blocks: `join` rows of the matrix. */
static void quantise_row(const struct job *j, size_t group, float *carry)
{
    size_t n = j->f->n, k = j->f->k, block_bytes = type_get(j->type)->block_bytes;
    float x[MAX_BLOCK], weight[MAX_BLOCK], y[MAX_BLOCK];
    memset(carry, 0, j->join * k * sizeof *carry);
    for (size_t p = 0; p < j->panels; p++) {
        for (size_t b = 0; b < j->block; b++) {
            struct place at = place_of(j, b);
            size_t i = p * j->panel + at.i;
            x[b] = j->w[(group * j->join + at.o) * n + i] + dot(carry + at.o * k, j->get + i * k, k);
            weight[b] = j->weight[i];
        }
        void *to = j->out + (group * j->panels + p) * block_bytes;
        type_quantise(j->type, to, x, weight, j->block);
        type_dequantise(j->type, y, to, j->block);
        for (size_t b = 0; b < j->block; b++) {
            struct place at = place_of(j, b);
            size_t i = p * j->panel + at.i;
            add(carry + at.o * k, x[b] - y[b], j->give + i * k, k);
            j->q[(group * j->join + at.o) * n + i] = y[b];
        }
    }
}

static void quantise_rows(void *ctx, int thread)
{
    const struct job *j = ctx;
    for (size_t group; (group = pool_chunk(j->pool)) < j->n_out / j->join;)
        quantise_row(j, group, j->carry + (size_t)thread * j->join * j->f->k);
}

bool feedback_quantise(const struct compact_form *f, const float *w, size_t n_out, enum type type, size_t join,
                        struct pool *pool, void *out, float *q, struct error *e)
{
    size_t nk = f->n * f->k + 1;
    struct job j = {.f = f, .w = w, .n_out = n_out, .join = join, .type = type, .pool = pool, .out = out, .q = q};
    j.block = type_get(type)->block;
    j.panel = j.block / join;
    j.panels = f->n / j.panel;
    j.weight = malloc(f->n * sizeof *j.weight);
    j.give = malloc(nk * sizeof *j.give);
    j.get = malloc(nk * sizeof *j.get);
    j.carry = malloc(((size_t)pool_threads(pool) * join * f->k + 1) * sizeof *j.carry);
    bool ok = (j.weight && j.give && j.get && j.carry) || fail(e, "metric: found no memory for %zu x %zu numbers", f->n, f->k);
    ok = ok && prepare(&j, e);
    if (ok) pool_run(pool, quantise_rows, &j);
    free(j.weight);
    free(j.give);
    free(j.get);
    free(j.carry);
    return ok;
}
