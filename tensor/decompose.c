/* SPDX-License-Identifier: MIT */
#include "tensor/decompose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/lapack.h"

/* ---- The metric ---- */

void metric_free(struct metric *m)
{
    free(m->c);
    free(m->l);
    *m = (struct metric){.n = 0};
}

bool metric_new(struct metric *m, const double *second, size_t n, double damping, struct error *e)
{
    *m = (struct metric){.n = n, .c = matrix_new(n, n, e)};
    m->l = m->c ? matrix_new(n, n, e) : NULL;
    double trace = 0;
    for (size_t i = 0; second && i < n; i++) trace += second[i * n + i];
    bool ok = m->l && (isfinite(trace) || fail(e, "second moments: found a trace of %g, expected a number", trace));
    if (ok) {
        if (trace > 0)
            memcpy(m->c, second, n * n * sizeof *m->c);
        else
            memset(m->c, 0, n * n * sizeof *m->c);
        for (size_t i = 0; i < n; i++) m->c[i * n + i] += trace > 0 ? damping * trace / (double)n : 1;
        memcpy(m->l, m->c, n * n * sizeof *m->l);
        ok = matrix_cholesky(n, m->l, e);
    }
    if (!ok) metric_free(m);
    return ok;
}

double *metric_image(const struct metric *m, const double *w, size_t rows, struct error *e)
{
    double *y = matrix_new(rows, m->n, e);
    if (!y) return NULL;
    memcpy(y, w, rows * m->n * sizeof *y);
    matrix_times_triangle(rows, m->n, m->l, y);
    return y;
}

double metric_norm(const struct metric *m, const double *w, size_t rows)
{
    enum { STRIP = 512 };
    double sum = 0, *y = malloc((rows < STRIP ? rows : STRIP) * m->n * sizeof *y + 1);
    if (!y) return NAN;
    for (size_t first = 0; first < rows; first += STRIP) {
        size_t n = rows - first < STRIP ? rows - first : STRIP;
        memcpy(y, w + first * m->n, n * m->n * sizeof *y);
        matrix_times_triangle(n, m->n, m->l, y);
        for (size_t i = 0; i < n * m->n; i++) sum += y[i] * y[i];
    }
    free(y);
    return sum;
}

/* ---- Singular values ---- */

void decomposition_free(struct decomposition *d)
{
    free(d->value);
    free(d->vector);
    free(d->image);
    *d = (struct decomposition){.n_out = 0};
}

bool decompose(struct decomposition *d, const double *w, double *image, size_t n_out, size_t n_in, const struct metric *m,
               struct error *e)
{
    bool left = n_out <= n_in, ok = image;
    size_t full = left ? n_out : n_in;
    *d = (struct decomposition){.w = w, .metric = m, .n_out = n_out, .n_in = n_in, .full = full, .image = image};
    d->value = ok ? matrix_new(full, 1, e) : NULL;
    d->vector = d->value ? matrix_new(full, full, e) : NULL;
    ok = d->vector;
    if (ok) {
        matrix_product(!left, left, full, full, left ? n_in : n_out, image, image, d->vector);
        ok = matrix_eigen(full, d->vector, d->value, e);
    }
    for (size_t j = 0; ok && j < full; j++) {
        if (!(d->value[j] > 0)) d->value[j] = 0; /* rounding's, of a matrix of lower rank */
        d->total += d->value[j];
    }
    ok = ok && (isfinite(d->total) || fail(e, "weights: found numbers that are not finite"));
    if (!ok) decomposition_free(d);
    if (ok && left) {
        free(d->image); /* the left vectors say it all */
        d->image = NULL;
    }
    return ok;
}

double decomposition_error(const struct decomposition *d, size_t r)
{
    double sum = 0;
    for (size_t j = d->full; j > r; j--) sum += d->value[j - 1]; /* the small ones first: they would be lost in a large sum */
    return d->total > 0 ? sum / d->total : 0;
}

/* ---- Thin factors ---- */

void low_rank_free(struct low_rank *l)
{
    free(l->order);
    free(l->left);
    free(l->right);
    *l = (struct low_rank){.rank = 0};
}

/* W' L in the basis of its right singular vectors: n_out x r, column j of norm sigma_j. */
static void scores(const struct decomposition *d, size_t r, double *s)
{
    if (d->image) {
        matrix_product(false, true, d->n_out, r, d->n_in, d->image, d->vector, s);
        return;
    }
    for (size_t o = 0; o < d->n_out; o++)
        for (size_t j = 0; j < r; j++) s[o * r + j] = d->vector[j * d->full + o] * sqrt(d->value[j]);
}

/* Without a gauge the columns of A keep a root of their size, and B's rows the other. */
static void balance(const struct decomposition *d, size_t r, const double *s, double *a)
{
    for (size_t o = 0; o < d->n_out; o++)
        for (size_t j = 0; j < r; j++) a[o * r + j] = d->value[j] > 0 ? s[o * r + j] / sqrt(sqrt(d->value[j])) : 0;
}

struct pivot_row {
    size_t row, column;
};

static int by_row(const void *a, const void *b)
{
    const struct pivot_row *x = a, *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

/* Puts pivots, and with them the columns of T, into the order of their rows: what they hand on then lies in the order of the
 * outputs. Which order they are in changes nothing of the product but its rounding. */
static bool sort_pivots(struct low_rank *l, struct error *e)
{
    size_t r = l->rank;
    struct pivot_row *p = malloc(r * sizeof *p);
    double *row = p ? matrix_new(1, r, e) : NULL;
    if (!p) fail(e, "found no memory for %zu pivots", r);
    if (row) {
        for (size_t j = 0; j < r; j++) p[j] = (struct pivot_row){l->order[j], j};
        qsort(p, r, sizeof *p, by_row);
        for (size_t j = 0; j < r; j++) l->order[j] = p[j].row;
        for (size_t o = 0; o < l->n_out - r; o++) {
            for (size_t j = 0; j < r; j++) row[j] = l->left[o * r + p[j].column];
            memcpy(l->left + o * r, row, r * sizeof *row);
        }
    }
    bool ok = row;
    free(row);
    free(p);
    return ok;
}

bool low_rank_new(struct low_rank *l, const struct decomposition *d, size_t r, bool gauge, struct error *e)
{
    *l = (struct low_rank){.n_out = d->n_out, .n_in = d->n_in, .rank = r, .gauge = gauge};
    l->order = malloc(d->n_out * sizeof *l->order);
    l->left = l->order ? matrix_new(gauge ? d->n_out - r : d->n_out, r, e) : NULL;
    l->right = l->left ? matrix_new(r, d->n_in, e) : NULL;
    double *s = l->right ? matrix_new(d->n_out, r, e) : NULL;
    bool ok = s;
    if (!l->order) fail(e, "found no memory for %zu rows", d->n_out);
    if (ok) {
        scores(d, r, s);
        if (gauge) {
            ok = matrix_pivots(d->n_out, r, s, l->order, l->left, e) && sort_pivots(l, e);
        } else {
            for (size_t o = 0; o < d->n_out; o++) l->order[o] = o;
            balance(d, r, s, l->left);
        }
    }
    free(s);
    ok = ok && low_rank_fit_right(l, d->w, e);
    if (!ok) low_rank_free(l);
    return ok;
}

/* Rows order[first .. end) of w, one after another. */
static void gather(const struct low_rank *l, const double *w, size_t first, size_t end, double *to)
{
    for (size_t j = first; j < end; j++) memcpy(to + (j - first) * l->n_in, w + l->order[j] * l->n_in, l->n_in * sizeof *to);
}

/* Normal equations of |W - P [I; T] B| over B: (I + T^T T) B = W_pivots + T^T W_others; without a gauge (A^T A) B = A^T W. */
bool low_rank_fit_right(struct low_rank *l, const double *w, struct error *e)
{
    size_t r = l->rank, pivots = l->gauge ? r : 0, others = l->n_out - pivots;
    double *n = matrix_new(r, r, e), *rows = n ? matrix_new(others, l->n_in, e) : NULL;
    bool ok = rows;
    if (ok) {
        gather(l, w, pivots, l->n_out, rows);
        matrix_product(true, false, r, r, others, l->left, l->left, n);
        matrix_product(true, false, r, l->n_in, others, l->left, rows, l->right);
        double trace = 0;
        for (size_t j = 0; j < r; j++) trace += n[j * r + j];
        for (size_t j = 0; j < pivots; j++) {
            n[j * r + j] += 1;
            for (size_t i = 0; i < l->n_in; i++) l->right[j * l->n_in + i] += w[l->order[j] * l->n_in + i];
        }
        /* A column of zeros in A belongs to a rank that W does not have: B's row is then 0. */
        for (size_t j = 0; !l->gauge && j < r; j++) n[j * r + j] += trace > 0 ? 1e-14 * trace / (double)r : 1;
        ok = matrix_cholesky(r, n, e);
    }
    if (ok) {
        matrix_solve_left(r, l->n_in, false, n, l->right);
        matrix_solve_left(r, l->n_in, true, n, l->right);
    }
    free(n);
    free(rows);
    return ok;
}

/* Normal equations of |W_others - T B|_C over T: T (B C B^T) = W_others C B^T. */
bool low_rank_fit_left(struct low_rank *l, const double *w, const struct metric *m, double *inner, struct error *e)
{
    size_t r = l->rank, first = l->gauge ? r : 0, others = l->n_out - first;
    double *bc = matrix_new(r, l->n_in, e), *h = bc ? matrix_new(r, r, e) : NULL;
    double *rows = h ? matrix_new(others, l->n_in, e) : NULL;
    bool ok = rows;
    if (ok) {
        matrix_product(false, false, r, l->n_in, l->n_in, l->right, m->c, bc);
        matrix_product(false, true, r, r, l->n_in, bc, l->right, h);
        gather(l, w, first, l->n_out, rows);
        matrix_product(false, true, others, r, l->n_in, rows, bc, l->left);
        double trace = 0;
        for (size_t j = 0; j < r; j++) trace += h[j * r + j];
        for (size_t j = 0; j < r; j++) h[j * r + j] += trace > 0 ? 1e-12 * trace / (double)r : 1; /* rows of B may be zeros */
        ok = matrix_cholesky(r, h, e);
        if (ok && inner) memcpy(inner, h, r * r * sizeof *h);
    }
    if (ok) {
        /* X h = Y with h = L L^T: X = Y L^-T L^-1; Y L^-T is (L^-1 Y^T)^T. */
        double *t = matrix_new(r, others, e);
        ok = t;
        for (size_t o = 0; ok && o < others; o++)
            for (size_t j = 0; j < r; j++) t[j * others + o] = l->left[o * r + j];
        if (ok) matrix_solve_left(r, others, false, h, t);
        if (ok) matrix_solve_left(r, others, true, h, t);
        for (size_t o = 0; ok && o < others; o++)
            for (size_t j = 0; j < r; j++) l->left[o * r + j] = t[j * others + o];
        free(t);
    }
    free(rows);
    free(h);
    free(bc);
    return ok;
}

bool low_rank_product(const struct low_rank *l, double *w, struct error *e)
{
    size_t first = l->gauge ? l->rank : 0, others = l->n_out - first;
    double *rows = matrix_new(others, l->n_in, e);
    if (!rows) return false;
    matrix_product(false, false, others, l->n_in, l->rank, l->left, l->right, rows);
    for (size_t j = 0; j < l->n_out; j++) {
        const double *from = j < first ? l->right + j * l->n_in : rows + (j - first) * l->n_in;
        memcpy(w + l->order[j] * l->n_in, from, l->n_in * sizeof *w);
    }
    free(rows);
    return true;
}
