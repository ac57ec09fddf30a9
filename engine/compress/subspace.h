/* subspace.h - the leading eigenvectors of a large symmetric matrix that is only ever multiplied by, and the small dense
 * algebra around them. Needs no LAPACK.
 *
 * Orthogonal iteration with a Rayleigh-Ritz step at the end (Golub and Van Loan, Matrix Computations, section 8.2): a few
 * vectors more than are wanted make the wanted ones converge in a few rounds. Products are the engine's own float kernels;
 * orthogonality and all small matrices are in double. SPDX-License-Identifier: MIT */
#ifndef HARTREE_SUBSPACE_H
#define HARTREE_SUBSPACE_H

#include "base/error.h"
#include "engine/pool.h"

#include <stddef.h>

/* y[c] = a x[c] for k vectors: a is rows x cols floats, x is k x cols, y is k x rows, each vector's numbers together. On all
 * threads. */
void subspace_multiply(struct pool *pool, const float *a, size_t rows, size_t cols, const float *x, size_t k, float *y);

/* y[c] = A x[c], for k vectors of n floats. */
typedef void subspace_apply(void *ctx, const float *x, size_t k, float *y);

/* The k leading eigenvectors of A, positive semidefinite and n x n, as k orthonormal rows of n floats in v, the largest
 * eigenvalue first; value[k]. `rounds` products of `k + extra` vectors, at most n. False and *e for want of memory. */
bool subspace_leading(subspace_apply *apply, void *ctx, size_t n, size_t k, size_t extra, int rounds, float *v, double *value,
                      struct error *e);

/* Eigenvalues, largest first, and eigenvectors (row j that of value[j]) of the symmetric k x k a, which is overwritten.
 * Jacobi's rotations: for k of some hundreds. */
void subspace_eigen(size_t k, double *a, double *vectors, double *value);

/* a, symmetric positive definite k x k, becomes its inverse, by Cholesky. False where it is not positive definite. */
bool subspace_invert(size_t k, double *a);

#endif
