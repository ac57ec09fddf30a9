/* SPDX-License-Identifier: MIT */
#include "engine/compress/compact_metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compress/subspace.h"

void compact_metric_free(struct compact_metric *m)
{
    free(m->mean);
    free(m->square);
    free(m->v);
    free(m->value);
    *m = (struct compact_metric){.n = 0};
}

struct covariance {
    struct pool *pool;
    const float *c;
    size_t n;
};

static void apply_covariance(void *ctx, const float *x, size_t k, float *y)
{
    const struct covariance *c = ctx;
    subspace_multiply(c->pool, c->c, c->n, c->n, x, k, y);
}

bool compact_metric_new(struct compact_metric *m, const struct moments *x, struct pool *pool, struct error *e)
{
    enum { ROUNDS = 6, EXTRA = 8 }; /* leading vectors converge first; what trailing ones lack, the diagonal has */
    size_t n = x->n, k = n / 4 < COMPACT_VECTORS ? n / 4 + 1 : COMPACT_VECTORS;
    float *c = malloc(n * n * sizeof *c);
    double value[COMPACT_VECTORS];
    *m = (struct compact_metric){.n = n, .k = k};
    m->mean = malloc(n * sizeof *m->mean);
    m->square = malloc(n * sizeof *m->square);
    m->v = malloc(k * n * sizeof *m->v);
    m->value = malloc(k * sizeof *m->value);
    bool ok = (c && m->mean && m->square && m->v && m->value) || fail(e, "metric: found no memory for %zu x %zu numbers", n, n);
    for (size_t i = 0; ok && i < n; i++) {
        for (size_t j = 0; j < n; j++) c[i * n + j] = (float)(x->second[i * n + j] - x->mean[i] * x->mean[j]);
        m->mean[i] = (float)x->mean[i], m->square[i] = (float)x->square[i];
    }
    ok = ok && subspace_leading(apply_covariance, &(struct covariance){pool, c, n}, n, k, EXTRA, ROUNDS, m->v, value, e);
    for (size_t j = 0; ok && j < k; j++) m->value[j] = (float)value[j];
    free(c);
    if (!ok) compact_metric_free(m);
    return ok;
}

/* ---- In use ---- */

void compact_form_free(struct compact_form *f)
{
    free(f->u);
    free(f->rest);
    *f = (struct compact_form){.n = 0};
}

bool compact_form_new(struct compact_form *f, const struct compact_metric *m, bool centred, bool vectors, struct error *e)
{
    size_t n = m->n;
    double trace = 0;
    *f = (struct compact_form){.n = n, .k = vectors ? m->k + !centred : 0};
    f->u = malloc((f->k * n + 1) * sizeof *f->u);
    f->rest = malloc(n * sizeof *f->rest);
    if (!f->u || !f->rest) {
        compact_form_free(f);
        return fail(e, "metric: found no memory for %zu x %zu numbers", f->k, n);
    }
    for (size_t i = 0; i < n; i++) {
        f->rest[i] = m->square[i] - (centred ? m->mean[i] * m->mean[i] : 0);
        trace += (double)f->rest[i];
    }
    if (!(trace > 0) || !isfinite(trace)) {
        compact_form_free(f);
        return fail(e, "metric: found inputs of size %g, expected some above 0", trace);
    }
    for (size_t j = 0; j < f->k; j++) {
        float root = j < m->k ? sqrtf(m->value[j] > 0 ? m->value[j] : 0) : 1;
        for (size_t i = 0; i < n; i++) f->u[j * n + i] = root * (j < m->k ? m->v[j * n + i] : m->mean[i]);
    }
    float damp = (float)(0.01 * trace / (double)n);
    for (size_t i = 0; i < n; i++) {
        float in_vectors = 0;
        for (size_t j = 0; j < f->k; j++) in_vectors += f->u[j * n + i] * f->u[j * n + i];
        f->rest[i] = fmaxf(f->rest[i] - in_vectors, 0) + damp;
    }
    return true;
}

bool compact_form_multiply(const struct compact_form *f, struct pool *pool, const float *x, size_t count, float *y,
                           struct error *e)
{
    size_t n = f->n, k = f->k;
    float *z = malloc((count * k + n * k + 1) * sizeof *z), *t = z ? z + count * k : NULL;
    if (!z) return fail(e, "metric: found no memory for %zu x %zu numbers", k, n);
    if (k) {
        for (size_t j = 0; j < k; j++)
            for (size_t i = 0; i < n; i++) t[i * k + j] = f->u[j * n + i];
        subspace_multiply(pool, f->u, k, n, x, count, z);
        subspace_multiply(pool, t, n, k, z, count, y);
    } else {
        memset(y, 0, count * n * sizeof *y);
    }
    for (size_t c = 0; c < count; c++)
        for (size_t i = 0; i < n; i++) y[c * n + i] += f->rest[i] * x[c * n + i];
    free(z);
    return true;
}

double compact_form_cost(const struct compact_form *f, struct pool *pool, const float *d, size_t rows)
{
    enum { STRIP = 64 };
    size_t n = f->n, k = f->k;
    float *z = malloc((STRIP * k + 1) * sizeof *z);
    double sum = 0;
    if (!z) return NAN;
    for (size_t r = 0, some; r < rows; r += some) { /* |u d|^2 and the diagonal's part */
        some = rows - r < STRIP ? rows - r : STRIP;
        if (k) subspace_multiply(pool, f->u, k, n, d + r * n, some, z);
        for (size_t i = 0; i < some * k; i++) sum += (double)z[i] * (double)z[i];
        for (size_t i = 0; i < some * n; i++) sum += (double)f->rest[i % n] * (double)d[r * n + i] * (double)d[r * n + i];
    }
    free(z);
    return sum;
}
