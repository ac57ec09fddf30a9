/* lapack.h - dense linear algebra in double for the compressor: products, Cholesky, eigenvectors, pivoted QR.
 *
 * The one file that needs OpenBLAS, which is opened when it is first asked for. Where it is not there, or in a static build,
 * lapack_require says so in one line, and none of the functions below matrix_new may be called. Matrices are row-major, each
 * row `n` numbers after the one before it. SPDX-License-Identifier: MIT */
#ifndef HARTREE_LAPACK_H
#define HARTREE_LAPACK_H

#include "base/error.h"

#include <stddef.h>

/* "0.3.21", NULL without it. Opens it. */
const char *lapack_version(void);

/* Opens it, to compute by so many threads. False and *e, which says how to get it, without it. To be called from the first
 * thread, before there are others: it sets OPENBLAS_NUM_THREADS. */
bool lapack_require(int threads, struct error *e);

/* A matrix of whatever numbers, to be freed; there in any build. NULL and *e for want of memory. */
double *matrix_new(size_t rows, size_t columns, struct error *e);

/* c (m x n) = a b, where a is m x k, or k x m and read transposed, and b k x n, or n x k and read transposed. */
void matrix_product(bool a_transposed, bool b_transposed, size_t m, size_t n, size_t k, const double *a, const double *b,
                    double *c);
/* The same in single precision. */
void matrix_product_single(bool a_transposed, bool b_transposed, size_t m, size_t n, size_t k, const float *a, const float *b,
                           float *c);

/* The lower triangle of a, symmetric n x n, becomes L with L L^T = a, the upper one zeros. False and *e where a is not
 * positive definite. */
bool matrix_cholesky(size_t n, double *a, struct error *e);

/* What a triangle L multiplies and is solved with: each of these overwrites b. */
void matrix_times_triangle(size_t rows, size_t n, const double *l, double *b);          /* b (rows x n) L */
void matrix_solve_right(size_t rows, size_t n, bool transposed, const double *l, double *b); /* b (rows x n) L^-1, or b L^-T */
void matrix_solve_left(size_t n, size_t columns, bool transposed, const double *l, double *b); /* L^-1 b, or L^-T b */

/* Eigenvalues of a, symmetric n x n (its lower triangle is read), the largest first; row j of a becomes the eigenvector of
 * value[j]. False and *e: no memory, or it did not converge. */
bool matrix_eigen(size_t n, double *a, double *value, struct error *e);

/* Rows of s (n x r, r <= n) in the order in which Householder QR with column pivoting of its transpose takes them: order[0 ..
 * r) are rows that span well, largest part first. s becomes the triangle and what it is made of: row order[j], j >= r, of the
 * old s is row j of `others` (n - r x r) times the rows order[0 .. r). False and *e: no memory, or fewer than r rows are
 * independent. */
bool matrix_pivots(size_t n, size_t r, double *s, size_t *order, double *others, struct error *e);

#endif
