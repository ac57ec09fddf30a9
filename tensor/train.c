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

size_t train_core_size(const struct mpo *m, int k)
{
    return m->r[k] * m->o[k] * m->i[k] * m->r[k + 1];
}

static void sizes(const struct mpo *m, size_t *n_out, size_t *n_in)
{
    *n_out = *n_in = 1;
    for (int k = 0; k < m->d; k++) *n_out *= m->o[k], *n_in *= m->i[k];
}

size_t *train_layout(const struct mpo *m, struct error *e)
{
    size_t n_out, n_in;
    sizes(m, &n_out, &n_in);
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
    sizes(m, &t->n_out, &t->n_in);
    size_t n = t->n_out * t->n_in, rest = n, *at = train_layout(m, e);
    double *a = at ? matrix_new(n, 1, e) : NULL, *b = a ? matrix_new(n, 1, e) : NULL;
    bool ok = b;
    for (size_t j = 0; ok && j < n; j++) a[at[j]] = w[j];
    for (int k = 0; ok && k < m->d; k++) {
        size_t rows = t->m.r[k] * m->o[k] * m->i[k], columns = rest / rows, most = rows < columns ? rows : columns;
        if (k == m->d - 1) most = 1;
        if (t->m.r[k + 1] > most) t->m.r[k + 1] = most;
        ok = (t->core[k] = matrix_new(train_core_size(&t->m, k), 1, e));
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

bool train_product(const struct train *t, double *w, struct error *e)
{
    const struct mpo *m = &t->m;
    size_t rows = m->o[0] * m->i[0], *at = train_layout(m, e);
    double *chain = at ? matrix_new(rows, m->r[1], e) : NULL;
    if (chain) memcpy(chain, t->core[0], rows * m->r[1] * sizeof *chain);
    for (int k = 1; chain && k < m->d; k++) {
        size_t digits = m->o[k] * m->i[k];
        double *next = matrix_new(rows * digits, m->r[k + 1], e);
        if (next) matrix_product(false, false, rows, digits * m->r[k + 1], m->r[k], chain, t->core[k], next);
        free(chain);
        chain = next, rows *= digits;
    }
    bool ok = chain;
    for (size_t j = 0; ok && j < t->n_out * t->n_in; j++) w[j] = chain[at[j]];
    free(chain), free(at);
    return ok;
}
