/* train_fit.h - a chain of cores, fitted to what a matrix's outputs on given inputs are.
 *
 * Beyond low rank there is no closed form in the metric of the inputs: those of one core are mixed by the others. So a start,
 * the TT-SVD of the matrix in the coordinates in which the metric's nearest Kronecker product is the identity (kronecker.h), is
 * improved core after core: with the others held, and orthonormal, the error is a quadratic function of one core. All outputs
 * of the first core share one matrix of normal equations, which is solved; where that is too large, and in the other cores,
 * conjugate gradients go down step by step, from where the core is. The error so never rises.
 *
 * In those coordinates the equations are near the identity: single precision does.
 *
 * Needs OpenBLAS (lapack.h). Source: Holtz, Rohwedder and Schneider 2012 (alternating least squares).
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_TRAIN_FIT_H
#define HARTREE_TRAIN_FIT_H

#include "tensor/kronecker.h"
#include "tensor/train.h"

/* A chain on its way to the least |W - W'|_C^2. Private but for `error`. */
struct train_fit {
    double error; /* |W - W'|_C^2 after the last sweep; INFINITY before the first */
    struct train t;
    struct kronecker whitening;
    float *w, *c; /* W, n_out x n_in, and the metric, n_in x n_in, whitened */
};

/* The start. Nothing is borrowed. False and *e: no memory, or moments that are none. */
bool train_fit_new(struct train_fit *f, const double *w, const struct metric *metric, const struct mpo *m, struct error *e);
void train_fit_free(struct train_fit *f);

/* One pass over all cores, last to first, of at most so many steps each: of a core that one gains next to nothing, no more. */
bool train_fit_sweep(struct train_fit *f, int steps, struct error *e);

/* The chain, in W's own coordinates; f keeps none. */
struct train train_fit_take(struct train_fit *f);

#endif
