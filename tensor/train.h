/* train.h - a matrix as a chain of any number of cores (mpo.h), fitted to what its outputs on given inputs are.
 *
 * Beyond low rank there is no closed form in the metric of the inputs: those of one core are mixed by the others. So a start,
 * the TT-SVD of the matrix itself, is improved core after core: with the others held, the error is a quadratic function of one
 * core, which conjugate gradients lower step by step, from where it is. It so never rises.
 *
 * Needs OpenBLAS (lapack.h). Sources: Oseledets 2011 (TT-SVD, section 2; its error is the root of the sum of what each step
 * discards); Holtz, Rohwedder and Schneider 2012 (alternating least squares). SPDX-License-Identifier: MIT */
#ifndef HARTREE_TRAIN_H
#define HARTREE_TRAIN_H

#include "tensor/decompose.h"
#include "tensor/mpo.h"

struct train {
    struct mpo m;                /* its bonds may be smaller than those asked for: no larger than a cut of the matrix allows */
    double *core[MPO_MAX_CORES]; /* [a_{k-1}][o_k][i_k][a_k], owned */
    double discarded;            /* by TT-SVD: |W - W'|^2, before any sweep */
};

/* TT-SVD of w, n_out x n_in as the factors of *m say, with bonds of at most those in m->r. False and *e for want of memory. */
bool train_new(struct train *t, const double *w, const struct mpo *m, struct error *e);
void train_free(struct train *t);

/* One pass over all cores, last to first, of so many steps each, on inputs of the metric. *error: |W - W'|_C^2 after it. */
bool train_sweep(struct train *t, const double *w, const struct metric *m, int steps, double *error, struct error *e);

/* W' itself, n_out x n_in. */
bool train_product(const struct train *t, double *w, struct error *e);

#endif
