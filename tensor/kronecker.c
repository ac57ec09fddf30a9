/* SPDX-License-Identifier: MIT */
#include "tensor/kronecker.h"

#include <stdlib.h>
#include <string.h>

#include "tensor/lapack.h"

enum { PASSES = 2 }; /* of the flip-flop: a third moves no factor by more than some percent */

void kronecker_free(struct kronecker *k)
{
    for (int j = 0; j < k->d; j++) free(k->l[j]);
    *k = (struct kronecker){.d = 0};
}

static double *identity(size_t n, struct error *e)
{
    double *a = matrix_new(n, n, e);
    if (a) memset(a, 0, n * n * sizeof *a);
    for (size_t i = 0; a && i < n; i++) a[i * n + i] = 1;
    return a;
}

/* The product of factors [from, to), each n_j x n_j; of none of them the number 1. */
static double *product(const size_t *n, double *const *factor, int from, int to, struct error *e)
{
    size_t size = 1;
    double *a = identity(1, e);
    for (int j = from; a && j < to; j++) {
        size_t next = size * n[j];
        double *b = matrix_new(next, next, e);
        for (size_t row = 0; b && row < next; row++)
            for (size_t column = 0; column < next; column++)
                b[row * next + column] = a[row / n[j] * size + column / n[j]] * factor[j][row % n[j] * n[j] + column % n[j]];
        free(a);
        a = b, size = next;
    }
    return a;
}

/* sum = the block trace of c (before n after)^2 on the middle digit, the others weighed by the products left and right. */
static void block_trace(const double *c, size_t before, size_t n, size_t after, const double *left, const double *right,
                        double *sum)
{
    size_t columns = before * n * after;
    memset(sum, 0, n * n * sizeof *sum);
    for (size_t row = 0; row < columns; row++) {
        const double *weight = right + row % after * after;
        double *to = sum + row / after % n * n;
        for (size_t b = 0; b < before; b++) {
            double scale = left[row / (n * after) * before + b];
            const double *from = c + row * columns + b * n * after;
            if (scale == 0) continue;
            for (size_t a = 0; a < n; a++, from += after) {
                double dot = 0;
                for (size_t i = 0; i < after; i++) dot += from[i] * weight[i];
                to[a] += scale * dot;
            }
        }
    }
}

/* Factor j given the inverses of the others: its Cholesky factor into k->l[j], its own inverse into inverse[j]. */
static bool flip(struct kronecker *k, const double *c, int j, double **inverse, struct error *e)
{
    size_t before = 1, n = k->n[j], after = 1;
    for (int i = 0; i < j; i++) before *= k->n[i];
    for (int i = j + 1; i < k->d; i++) after *= k->n[i];
    double *left = product(k->n, inverse, 0, j, e), *right = left ? product(k->n, inverse, j + 1, k->d, e) : NULL;
    if (right) {
        block_trace(c, before, n, after, left, right, k->l[j]);
        for (size_t i = 0; i < n * n; i++) k->l[j][i] /= (double)(before * after);
    }
    bool ok = right && matrix_cholesky(n, k->l[j], e);
    if (ok) {
        memset(inverse[j], 0, n * n * sizeof *inverse[j]);
        for (size_t i = 0; i < n; i++) inverse[j][i * n + i] = 1;
        matrix_solve_left(n, n, false, k->l[j], inverse[j]);
        matrix_solve_left(n, n, true, k->l[j], inverse[j]);
    }
    free(left), free(right);
    return ok;
}

bool kronecker_new(struct kronecker *k, const struct metric *m, const struct mpo *chain, struct error *e)
{
    *k = (struct kronecker){.d = chain->d};
    double *inverse[MPO_MAX_CORES] = {NULL};
    bool ok = true;
    for (int j = 0; ok && j < k->d; j++) {
        k->n[j] = chain->i[j];
        ok = (k->l[j] = matrix_new(k->n[j], k->n[j], e)) && (inverse[j] = identity(k->n[j], e));
    }
    for (int pass = 0; ok && pass < PASSES; pass++)
        for (int j = 0; ok && j < k->d; j++) ok = flip(k, m->c, j, inverse, e);
    for (int j = 0; j < k->d; j++) free(inverse[j]);
    if (!ok) kronecker_free(k);
    return ok;
}

bool kronecker_whiten(const struct kronecker *k, size_t rows, double *w, struct error *e)
{
    size_t after = 1, before = rows;
    for (int j = 0; j < k->d; j++) after *= k->n[j];
    double *slice = matrix_new(after, 1, e);
    bool ok = slice;
    for (int j = 0; ok && j < k->d; before *= k->n[j++]) {
        size_t n = k->n[j];
        after /= n;
        if (after == 1)
            matrix_times_triangle(before, n, k->l[j], w);
        else
            for (size_t b = 0; b < before; b++) {
                double *at = w + b * n * after;
                matrix_product(true, false, n, after, n, k->l[j], at, slice);
                memcpy(at, slice, n * after * sizeof *at);
            }
    }
    free(slice);
    return ok;
}

/* The inverse of the product of the L_k times a, n x n. */
static void solve(const struct kronecker *k, size_t n, double *a)
{
    size_t before = 1, after = n * n;
    for (int j = 0; j < k->d; before *= k->n[j++]) {
        after /= k->n[j];
        for (size_t b = 0; b < before; b++) matrix_solve_left(k->n[j], after, false, k->l[j], a + b * k->n[j] * after);
    }
}

double *kronecker_metric(const struct kronecker *k, const struct metric *m, struct error *e)
{
    size_t n = m->n;
    double *c = matrix_new(n, n, e);
    if (!c) return NULL;
    memcpy(c, m->c, n * n * sizeof *c);
    solve(k, n, c);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            double swap = c[i * n + j];
            c[i * n + j] = c[j * n + i], c[j * n + i] = swap;
        }
    solve(k, n, c);
    return c;
}

void kronecker_colour(const struct kronecker *k, int j, size_t before, size_t after, double *core)
{
    size_t n = k->n[j];
    if (after == 1)
        matrix_solve_right(before, n, false, k->l[j], core);
    else
        for (size_t b = 0; b < before; b++) matrix_solve_left(n, after, true, k->l[j], core + b * n * after);
}
