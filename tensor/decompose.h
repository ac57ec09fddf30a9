/* decompose.h - a matrix as a product of thin ones, so close to it that its outputs on given inputs change least.
 *
 * How far W' is from W is measured on inputs with second moments C = E[x x^T]: the squared error of an output, summed over
 * outputs, is |W - W'|_C^2 = tr((W - W') C (W - W')^T). With C = L L^T that is the Frobenius norm of (W - W') L, so the best W'
 * of rank r is the truncated SVD of W L, times L^-1 (Eckart and Young): the projection of W on the r leading left singular
 * vectors of W L. They are the eigenvectors of W C W^T, or follow from those of L^T W^T W L: the smaller of the two is solved.
 *
 * Identity gauge: W' = P [I; T] B. r rows of W' are B itself, the others combinations T of them: the same W' by r^2 numbers
 * fewer. The rows are chosen by QR with column pivoting of (W' L)^T, so that |T| stays about 1.
 *
 * Needs OpenBLAS (lapack.h): lapack_require comes first. Everything in double and row-major. Nothing is borrowed beyond a call
 * but what a struct's comment says. Sources: SVD-LLM (Wang et al. 2024; whitening), Pivoting Factorization (Zhao et al. 2025;
 * the gauge). SPDX-License-Identifier: MIT */
#ifndef HARTREE_DECOMPOSE_H
#define HARTREE_DECOMPOSE_H

#include "base/error.h"

#include <stddef.h>

/* Second moments of inputs with some of the identity added, so that directions which the text happened to lack still count. */
struct metric {
    size_t n;
    double *c; /* n x n, symmetric */
    double *l; /* c = l l^T, lower */
};

/* Copies `second`, n x n, and adds `damping` times its mean diagonal; NULL, or one of zeros: the identity. False and *e: no
 * memory, or numbers that are no second moments. */
bool metric_new(struct metric *m, const double *second, size_t n, double damping, struct error *e);
void metric_free(struct metric *m);

/* The image w L of `rows` rows of n numbers, to be freed: |w|_C^2 is its sum of squares. NULL and *e for want of memory. */
double *metric_image(const struct metric *m, const double *w, size_t rows, struct error *e);
/* |w|_C^2 of the rows together; NAN for want of memory, or of numbers that are none. */
double metric_norm(const struct metric *m, const double *w, size_t rows);

/* A matrix's singular values and vectors in the metric. */
struct decomposition {
    const double *w; /* n_out x n_in, borrowed */
    const struct metric *metric;
    size_t n_out, n_in, full; /* full: the lesser of the two */
    double *value;            /* `full` squared singular values of W L, largest first */
    double total;             /* their sum: |W|_C^2 */
    double *vector;           /* private: row j is singular vector j, a left one where n_out <= n_in, else a right one */
    double *image;            /* private: W L, where n_out > n_in */
};
/* `image`: that of w, freed by decomposition_free, or at once where this fails. NULL: false, and *e stays as metric_image,
 * which found no memory, has left it. */
bool decompose(struct decomposition *d, const double *w, double *image, size_t n_out, size_t n_in, const struct metric *m,
               struct error *e);
void decomposition_free(struct decomposition *d);

/* |W - W'|_C^2 / |W|_C^2 of the best W' of rank r: the discarded part of the sum. */
double decomposition_error(const struct decomposition *d, size_t r);

/* W' = P [I; T] B, or A B without a gauge. */
struct low_rank {
    size_t n_out, n_in, rank;
    bool gauge;
    size_t *order; /* of the n_out rows: pivots first, rising, whose rows of W' are B's, then the others. No gauge: 0, 1, .. */
    double *left;  /* gauge: n_out - rank rows of T, in `order`; else n_out rows of A */
    double *right; /* B, rank x n_in */
};

/* The left factor of the best W' of rank r <= full, and B for it. False and *e: no memory, or fewer than r independent rows,
 * which a smaller rank then fits as well. */
bool low_rank_new(struct low_rank *l, const struct decomposition *d, size_t r, bool gauge, struct error *e);
void low_rank_free(struct low_rank *l);

/* B anew, the best one for a left factor that has changed (rounded): no metric enters, as B's rows can serve any input. */
bool low_rank_fit_right(struct low_rank *l, const double *w, struct error *e);
/* T anew (A without a gauge), the best one in the metric for a B that has changed. The pivots' rows are B's whatever it is.
 * `inner`, NULL or rank x rank, receives the Cholesky factor of B C B^T: the metric of what T is multiplied with. */
bool low_rank_fit_left(struct low_rank *l, const double *w, const struct metric *m, double *inner, struct error *e);

/* W' itself, n_out x n_in. False and *e for want of memory. */
bool low_rank_product(const struct low_rank *l, double *w, struct error *e);

#endif
