/* SPDX-License-Identifier: MIT */
#include "engine/compress/subspace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "tensor/linear.h"

/* ---- Products ---- */

struct product {
    struct pool *pool;
    struct linear_part part; /* of all rows */
    size_t rows, chunk;
};

static void multiply_rows(void *ctx, int thread)
{
    (void)thread;
    const struct product *p = ctx;
    for (size_t at; (at = pool_chunk(p->pool) * p->chunk) < p->rows;) {
        struct linear_part part = p->part;
        part.row = at;
        part.rows = p->rows - at < p->chunk ? p->rows - at : p->chunk;
        part.y += at;
        linear_multiply(&part);
    }
}

void subspace_multiply(struct pool *pool, const float *a, size_t rows, size_t cols, const float *x, size_t k, float *y)
{
    struct tensor w = {.type = TYPE_F32, .n_dims = 2, .ne = {(int64_t)cols, (int64_t)rows, 1, 1}, .data = a};
    w.row_bytes = cols * sizeof *a;
    w.bytes = rows * w.row_bytes;
    struct product p = {.pool = pool, .rows = rows, .chunk = linear_rows(TYPE_F32, cols, k, NULL)};
    p.part = (struct linear_part){.w = &w, .x = x, .x_stride = cols * sizeof *x, .cols = k, .y = y, .ldy = rows};
    pool_run(pool, multiply_rows, &p);
}

/* ---- Small dense algebra ---- */

/* One of Jacobi's rotations, which makes a[p][q] zero. Source: Golub and Van Loan, section 8.5. */
static void rotate(size_t k, double *a, double *vectors, size_t p, size_t q)
{
    double apq = a[p * k + q];
    if (apq == 0) return;
    double tau = (a[q * k + q] - a[p * k + p]) / (2 * apq);
    double t = (tau < 0 ? -1 : 1) / (fabs(tau) + sqrt(1 + tau * tau)), c = 1 / sqrt(1 + t * t), s = t * c;
    for (size_t i = 0; i < k; i++) {
        double x = a[i * k + p], y = a[i * k + q];
        a[i * k + p] = c * x - s * y, a[i * k + q] = s * x + c * y;
    }
    for (size_t i = 0; i < k; i++) {
        double x = a[p * k + i], y = a[q * k + i], v = vectors[p * k + i], w = vectors[q * k + i];
        a[p * k + i] = c * x - s * y, a[q * k + i] = s * x + c * y;
        vectors[p * k + i] = c * v - s * w, vectors[q * k + i] = s * v + c * w;
    }
}

static void swap_rows(double *m, size_t k, size_t i, size_t j)
{
    for (size_t c = 0; c < k; c++) {
        double x = m[i * k + c];
        m[i * k + c] = m[j * k + c], m[j * k + c] = x;
    }
}

void subspace_eigen(size_t k, double *a, double *vectors, double *value)
{
    enum { SWEEPS = 30 }; /* a handful suffice; more than this means rounding */
    for (size_t i = 0; i < k * k; i++) vectors[i] = i % (k + 1) == 0;
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        double off = 0, all = 0;
        for (size_t i = 0; i < k; i++)
            for (size_t j = 0; j < k; j++) all += a[i * k + j] * a[i * k + j], off += i == j ? 0 : a[i * k + j] * a[i * k + j];
        if (!(off > 1e-24 * all)) break;
        for (size_t p = 0; p + 1 < k; p++)
            for (size_t q = p + 1; q < k; q++) rotate(k, a, vectors, p, q);
    }
    for (size_t i = 0; i < k; i++) value[i] = a[i * k + i];
    for (size_t i = 0; i < k; i++) {
        size_t best = i;
        for (size_t j = i + 1; j < k; j++)
            if (value[j] > value[best]) best = j;
        double v = value[i];
        value[i] = value[best], value[best] = v;
        swap_rows(vectors, k, i, best);
    }
}

bool subspace_invert(size_t k, double *a)
{
    for (size_t j = 0; j < k; j++) { /* a = L L^T, then L^-1 in its place */
        for (size_t c = 0; c < j; c++)
            for (size_t i = j; i < k; i++) a[i * k + j] -= a[i * k + c] * a[j * k + c];
        if (!(a[j * k + j] > 0) || !isfinite(a[j * k + j])) return false;
        double d = sqrt(a[j * k + j]);
        for (size_t i = j; i < k; i++) a[i * k + j] /= d;
    }
    for (size_t j = 0; j < k; j++) {
        a[j * k + j] = 1 / a[j * k + j];
        for (size_t i = j + 1; i < k; i++) {
            double sum = 0;
            for (size_t c = j; c < i; c++) sum += a[i * k + c] * a[c * k + j];
            a[i * k + j] = -sum / a[i * k + i];
        }
    }
    for (size_t i = 0; i < k; i++) /* L^-T L^-1 into the upper half: what is still read lies below */
        for (size_t j = i; j < k; j++) {
            double sum = 0;
            for (size_t c = j; c < k; c++) sum += a[c * k + i] * a[c * k + j];
            a[i * k + j] = sum;
        }
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < i; j++) a[i * k + j] = a[j * k + i];
    return true;
}

/* ---- Orthogonal iteration ---- */

static double dot(const float *x, const float *y, size_t n)
{
    double sum[4] = {0, 0, 0, 0};
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (size_t c = 0; c < 4; c++) sum[c] += (double)x[i + c] * (double)y[i + c];
    for (; i < n; i++) sum[0] += (double)x[i] * (double)y[i];
    return sum[0] + sum[1] + sum[2] + sum[3];
}

/* Modified Gram-Schmidt, twice. A vector that is nothing but the others becomes zero, and stays out of all that follows. */
static void orthonormalise(float *v, size_t k, size_t n)
{
    for (size_t j = 0; j < k; j++) {
        float *x = v + j * n;
        double before = sqrt(dot(x, x, n));
        for (int pass = 0; pass < 2; pass++)
            for (size_t i = 0; i < j; i++) {
                float c = (float)dot(v + i * n, x, n);
                for (size_t a = 0; a < n; a++) x[a] -= c * v[i * n + a];
            }
        double length = sqrt(dot(x, x, n)), scale = length > 1e-6 * before ? 1 / length : 0;
        for (size_t a = 0; a < n; a++) x[a] = (float)((double)x[a] * scale);
    }
}

/* The same numbers each time. */
static void fill(float *v, size_t n)
{
    uint64_t state = 42;
    for (size_t i = 0; i < n; i++) v[i] = random_signed(&state);
}

/* The eigenvectors within the span of v's rows, the first `keep` of them, from y = A v. */
static bool ritz(const float *v, const float *y, size_t n, size_t k, size_t keep, float *out, double *value)
{
    double *a = malloc((2 * k * k + k) * sizeof *a), *vectors = a + k * k, *values = vectors + k * k;
    if (!a) return false;
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j <= i; j++) a[i * k + j] = a[j * k + i] = dot(v + i * n, y + j * n, n);
    subspace_eigen(k, a, vectors, values);
    for (size_t j = 0; j < keep; j++) {
        float *to = out + j * n;
        value[j] = values[j] > 0 ? values[j] : 0;
        memset(to, 0, n * sizeof *to);
        for (size_t i = 0; i < k; i++) {
            float c = (float)vectors[j * k + i];
            for (size_t x = 0; x < n; x++) to[x] += c * v[i * n + x];
        }
    }
    free(a);
    return true;
}

bool subspace_leading(subspace_apply *apply, void *ctx, size_t n, size_t k, size_t extra, int rounds, float *v, double *value,
                      struct error *e)
{
    size_t wide = k + extra < n ? k + extra : n;
    float *x = malloc(2 * wide * n * sizeof *x), *y = x ? x + wide * n : NULL;
    bool ok = x;
    if (ok) fill(x, wide * n);
    for (int r = 0; ok && r < rounds; r++) {
        orthonormalise(x, wide, n);
        apply(ctx, x, wide, y);
        if (r + 1 < rounds) memcpy(x, y, wide * n * sizeof *x);
    }
    ok = ok && ritz(x, y, n, wide, k, v, value);
    free(x);
    return ok || fail(e, "eigenvectors: found no memory for %zu of %zu numbers", wide, n);
}
