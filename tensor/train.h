/* train.h - a matrix as a chain of any number of cores (mpo.h).
 *
 * TT-SVD takes it apart so that |W - W'| is near the least for the bonds; train_fit.h, so that its outputs on given inputs
 * are. Needs OpenBLAS (lapack.h). Source: Oseledets 2011 (TT-SVD, section 2; its error is the root of the sum of what each step
 * discards). SPDX-License-Identifier: MIT */
#ifndef HARTREE_TRAIN_H
#define HARTREE_TRAIN_H

#include "base/error.h"
#include "tensor/mpo.h"

struct train {
    struct mpo m; /* its bonds may be smaller than those asked for: no larger than a cut of the matrix allows */
    size_t n_out, n_in;
    double *core[MPO_MAX_CORES]; /* [a_{k-1}][o_k][i_k][a_k], owned */
    double discarded;            /* by TT-SVD: |W - W'|^2 */
};

/* TT-SVD of w, n_out x n_in as the factors of *m say, with bonds of at most those in m->r. False and *e for want of memory. */
bool train_new(struct train *t, const double *w, const struct mpo *m, struct error *e);
void train_free(struct train *t);

/* W' itself, n_out x n_in. */
bool train_product(const struct train *t, double *w, struct error *e);

/* Numbers in core k. */
size_t train_core_size(const struct mpo *m, int k);

/* Where element [o][i] stands among the digits (o_1 i_1)(o_2 i_2).., the order in which a product of the cores has them: n_out
 * x n_in places, to be freed. NULL and *e for want of memory. */
size_t *train_layout(const struct mpo *m, struct error *e);

#endif
