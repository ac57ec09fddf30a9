/* SPDX-License-Identifier: MIT */
#include "tensor/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/lapack.h"

void train_free(struct train *t)
{
    for (int k = 0; k < MPO_MAX_CORES; k++) free(t->core[k]);
    *t = (struct train){.discarded = 0};
}

/* ---- Layouts ---- */

/* Where element [o][i] stands among the digits (o_1 i_1)(o_2 i_2)..: the order in which a chain's cores have them. */
static size_t *layout(const struct mpo *m, size_t n_out, size_t n_in, struct error *e)
{
    size_t *at = malloc(n_out * n_in * sizeof *at);
    if (!at) fail(e, "found no memory for the order of %zu x %zu elements", n_out, n_in);
    for (size_t o = 0; at && o < n_out; o++)
        for (size_t i = 0; i < n_in; i++) {
            size_t oo = o, ii = i, place = 0, stride = 1;
            for (int k = m->d - 1; k >= 0; k--) {
                place += stride * (oo % m->o[k] * m->i[k] + ii % m->i[k]);
                stride *= m->o[k] * m->i[k];
                oo /= m->o[k], ii /= m->i[k];
            }
            at[o * n_in + i] = place;
        }
    return at;
}

static void sizes(const struct mpo *m, size_t *n_out, size_t *n_in)
{
    *n_out = *n_in = 1;
    for (int k = 0; k < m->d; k++) *n_out *= m->o[k], *n_in *= m->i[k];
}

static size_t core_size(const struct mpo *m, int k)
{
    return m->r[k] * m->o[k] * m->i[k] * m->r[k + 1];
}

/* ---- TT-SVD ---- */

/* a (rows x columns) = u s: the r leading left singular vectors as columns of u, and what they leave, r x columns, in s. */
static bool split(const double *a, size_t rows, size_t columns, size_t r, double *u, double *s, double *discarded,
                  struct error *e)
{
    bool wide = rows <= columns;
    size_t n = wide ? rows : columns;
    double *g = matrix_new(n, n, e), *value = g ? matrix_new(n, 1, e) : NULL;
    bool ok = value;
    if (ok) {
        if (wide)
            matrix_product(false, true, n, n, columns, a, a, g);
        else
            matrix_product(true, false, n, n, rows, a, a, g);
        ok = matrix_eigen(n, g, value, e);
    }
    for (size_t j = r; ok && j < n; j++) *discarded += value[j] > 0 ? value[j] : 0;
    if (ok && wide) {
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < r; j++) u[i * r + j] = g[j * n + i];
    } else if (ok) {
        matrix_product(false, true, rows, r, n, a, g, u);
        for (size_t j = 0; j < r; j++) {
            double scale = value[j] > 0 ? 1 / sqrt(value[j]) : 0;
            for (size_t i = 0; i < rows; i++) u[i * r + j] *= scale;
        }
    }
    if (ok) matrix_product(true, false, r, columns, rows, u, a, s);
    free(g);
    free(value);
    return ok;
}

bool train_new(struct train *t, const double *w, const struct mpo *m, struct error *e)
{
    *t = (struct train){.m = *m};
    size_t n_out, n_in;
    sizes(m, &n_out, &n_in);
    size_t rest = n_out * n_in, *at = layout(m, n_out, n_in, e);
    double *a = at ? matrix_new(rest, 1, e) : NULL, *b = a ? matrix_new(rest, 1, e) : NULL;
    bool ok = b;
    for (size_t j = 0; ok && j < n_out * n_in; j++) a[at[j]] = w[j];
    for (int k = 0; ok && k < m->d; k++) {
        size_t rows = t->m.r[k] * m->o[k] * m->i[k], columns = rest / rows, most = rows < columns ? rows : columns;
        if (k == m->d - 1) most = 1;
        if (t->m.r[k + 1] > most) t->m.r[k + 1] = most;
        ok = (t->core[k] = matrix_new(core_size(&t->m, k), 1, e));
        if (ok && k == m->d - 1)
            memcpy(t->core[k], a, rows * sizeof *a);
        else
            ok = ok && split(a, rows, columns, t->m.r[k + 1], t->core[k], b, &t->discarded, e);
        double *swap = a;
        a = b, b = swap;
        rest = t->m.r[k + 1] * columns;
    }
    free(a), free(b), free(at);
    if (!ok) train_free(t);
    return ok;
}

/* ---- Alternating least squares ---- */

/* What a sweep works with: the cores to the left and to the right of one as two matrices, and room for the matrix. */
struct sweep {
    struct train *t;
    const struct metric *metric;
    size_t n_out, n_in, *at;
    double *left[MPO_MAX_CORES + 1];  /* (o_1 i_1 .. o_k i_k) x r_k: of the first k cores */
    double *right[MPO_MAX_CORES + 1]; /* r_k x (o_{k+1} ..): of the cores from k on */
    size_t n_left[MPO_MAX_CORES + 1], n_right[MPO_MAX_CORES + 1];
    double *half, *chain, *matrix, *metric_times; /* a product's halfway; in the chain's layout; in its own; times C */
};

static bool environment(struct sweep *s, int k, bool left, struct error *e)
{
    const struct mpo *m = &s->t->m;
    size_t digits = m->o[k] * m->i[k];
    if (left) {
        s->n_left[k + 1] = s->n_left[k] * digits;
        free(s->left[k + 1]);
        s->left[k + 1] = matrix_new(s->n_left[k + 1], m->r[k + 1], e);
        if (s->left[k + 1])
            matrix_product(false, false, s->n_left[k], digits * m->r[k + 1], m->r[k], s->left[k], s->t->core[k],
                           s->left[k + 1]);
        return s->left[k + 1];
    }
    s->n_right[k] = s->n_right[k + 1] * digits;
    free(s->right[k]);
    s->right[k] = matrix_new(m->r[k], s->n_right[k], e);
    if (s->right[k])
        matrix_product(false, false, m->r[k] * digits, s->n_right[k + 1], m->r[k + 1], s->t->core[k], s->right[k + 1],
                       s->right[k]);
    return s->right[k];
}

/* The matrix that the chain is with `core` in place k, into s->matrix. */
static void forward(struct sweep *s, int k, const double *core)
{
    const struct mpo *m = &s->t->m;
    size_t digits = m->o[k] * m->i[k];
    matrix_product(false, false, s->n_left[k], digits * m->r[k + 1], m->r[k], s->left[k], core, s->half);
    matrix_product(false, false, s->n_left[k] * digits, s->n_right[k + 1], m->r[k + 1], s->half, s->right[k + 1], s->chain);
    for (size_t j = 0; j < s->n_out * s->n_in; j++) s->matrix[j] = s->chain[s->at[j]];
}

/* The transpose of `forward` on s->matrix times C. */
static void backward(struct sweep *s, int k, double *core)
{
    const struct mpo *m = &s->t->m;
    size_t digits = m->o[k] * m->i[k];
    matrix_product(false, false, s->n_out, s->n_in, s->n_in, s->matrix, s->metric->c, s->metric_times);
    for (size_t j = 0; j < s->n_out * s->n_in; j++) s->chain[s->at[j]] = s->metric_times[j];
    matrix_product(false, true, s->n_left[k] * digits, m->r[k + 1], s->n_right[k + 1], s->chain, s->right[k + 1], s->half);
    matrix_product(true, false, m->r[k], digits * m->r[k + 1], s->n_left[k], s->left[k], s->half, core);
}

static double dot(const double *x, const double *y, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

/* Conjugate gradients on the core's normal equations, from where it is. */
static bool improve(struct sweep *s, int k, const double *w, int steps, struct error *e)
{
    size_t n = core_size(&s->t->m, k);
    double *x = s->t->core[k], *r = matrix_new(n, 1, e), *p = r ? matrix_new(n, 1, e) : NULL;
    double *q = p ? matrix_new(n, 1, e) : NULL;
    bool ok = q;
    if (ok) {
        forward(s, k, x);
        for (size_t j = 0; j < s->n_out * s->n_in; j++) s->matrix[j] = w[j] - s->matrix[j];
        backward(s, k, r);
        memcpy(p, r, n * sizeof *p);
    }
    double norm = ok ? dot(r, r, n) : 0, first = norm;
    for (int step = 0; ok && step < steps && norm > 1e-24 * first; step++) {
        forward(s, k, p);
        backward(s, k, q);
        double curvature = dot(p, q, n);
        if (!(curvature > 0)) break;
        double alpha = norm / curvature;
        for (size_t i = 0; i < n; i++) x[i] += alpha * p[i], r[i] -= alpha * q[i];
        double next = dot(r, r, n);
        for (size_t i = 0; i < n; i++) p[i] = r[i] + next / norm * p[i];
        norm = next;
    }
    free(r), free(p), free(q);
    return ok;
}

static void sweep_free(struct sweep *s)
{
    for (int k = 0; k <= MPO_MAX_CORES; k++) free(s->left[k]), free(s->right[k]);
    free(s->half), free(s->chain), free(s->matrix), free(s->metric_times), free(s->at);
}

/* With all that stands left of the last core, and nothing to its right. */
static bool sweep_new(struct sweep *s, const struct train *t, struct error *e)
{
    const struct mpo *m = &t->m;
    *s = (struct sweep){.t = (struct train *)t};
    sizes(m, &s->n_out, &s->n_in);
    size_t n = s->n_out * s->n_in, widest = 0, before = 1;
    for (int k = 0; k < m->d; k++) {
        before *= m->o[k] * m->i[k];
        if (before * m->r[k + 1] > widest) widest = before * m->r[k + 1];
    }
    s->at = layout(m, s->n_out, s->n_in, e);
    s->half = s->at ? matrix_new(widest, 1, e) : NULL;
    s->chain = s->half ? matrix_new(n, 1, e) : NULL;
    s->matrix = s->chain ? matrix_new(n, 1, e) : NULL;
    s->metric_times = s->matrix ? matrix_new(n, 1, e) : NULL;
    s->left[0] = s->metric_times ? matrix_new(1, 1, e) : NULL;
    s->right[m->d] = s->left[0] ? matrix_new(1, 1, e) : NULL;
    bool ok = s->right[m->d];
    if (ok) s->left[0][0] = s->right[m->d][0] = 1;
    s->n_left[0] = s->n_right[m->d] = 1;
    for (int k = 0; ok && k < m->d - 1; k++) ok = environment(s, k, true, e);
    return ok;
}

bool train_sweep(struct train *t, const double *w, const struct metric *m, int steps, double *error, struct error *e)
{
    struct sweep s;
    bool ok = sweep_new(&s, t, e);
    s.metric = m;
    for (int k = t->m.d - 1; ok && k >= 0; k--) ok = improve(&s, k, w, steps, e) && (!k || environment(&s, k, false, e));
    if (ok) {
        forward(&s, 0, t->core[0]);
        for (size_t j = 0; j < s.n_out * s.n_in; j++) s.matrix[j] -= w[j];
        *error = metric_norm(m, s.matrix, s.n_out);
    }
    sweep_free(&s);
    return ok;
}

bool train_product(const struct train *t, double *w, struct error *e)
{
    struct sweep s;
    bool ok = sweep_new(&s, t, e);
    if (ok) {
        forward(&s, t->m.d - 1, t->core[t->m.d - 1]);
        memcpy(w, s.matrix, s.n_out * s.n_in * sizeof *w);
    }
    sweep_free(&s);
    return ok;
}
