/* kronecker.h - second moments of inputs as a Kronecker product over the digits of their index, and what such a product
 * whitens.
 *
 * A chain of cores (mpo.h) takes its inputs apart: i = (i_1, ..., i_d). The metric of the inputs (decompose.h) does not come
 * apart so; the nearest product to it,
 *
 *   C ~ C_1 x C_2 x .. x C_d,    C_k = L_k L_k^T,
 *
 * does: W times the product of the L_k is a chain whose core k has L_k on its own digit, with the same bonds. In these
 * coordinates the metric is near the identity, so that the TT-SVD there is near the best chain, and iterations on the true
 * metric converge in few steps. Where all digits but one are 1 the product is C itself.
 *
 * Needs OpenBLAS (lapack.h). Source: the flip-flop of Dutilleul 1999: the product under which the inputs are likeliest, each
 * C_k in turn by the others. SPDX-License-Identifier: MIT */
#ifndef HARTREE_KRONECKER_H
#define HARTREE_KRONECKER_H

#include "tensor/decompose.h"
#include "tensor/mpo.h"

struct kronecker {
    int d;
    size_t n[MPO_MAX_CORES];  /* of each digit */
    double *l[MPO_MAX_CORES]; /* L_k, n_k x n_k, lower; owned */
};

/* Of m's inputs, taken apart as the chain's are. False and *e: no memory, or moments that are none. */
bool kronecker_new(struct kronecker *k, const struct metric *m, const struct mpo *chain, struct error *e);
void kronecker_free(struct kronecker *k);

/* w, so many rows of inputs, times the product of the L_k, in place. */
bool kronecker_whiten(const struct kronecker *k, size_t rows, double *w, struct error *e);
/* The metric of what was whitened so: L^-1 C L^-T, n x n, to be freed. NULL and *e for want of memory. */
double *kronecker_metric(const struct kronecker *k, const struct metric *m, struct error *e);
/* Core j of a chain that was whitened, `before` x n_j x `after`, as it is without: in place. */
void kronecker_colour(const struct kronecker *k, int j, size_t before, size_t after, double *core);

#endif
