/* rounding.h - rows rounded to a tensor type so that what they give on real inputs changes least.
 *
 * Column after column is rounded, and what that changes in the outputs is made up for by the columns that are still to come:
 * the best they can do, on inputs of second moments C, is the least-squares answer that the Cholesky factor of C^-1 holds.
 * Blocks of a type are rounded whole, as the type's own quantiser does it. Source: GPTQ (Frantar et al. 2023), in blocks.
 *
 * feedback.h is the same idea for a metric of which only leading eigenvectors and a diagonal are kept. It is not this code with
 * another matrix: there a row carries a number a vector and no LAPACK is needed, here a column's error goes to every later one.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ROUNDING_H
#define HARTREE_ROUNDING_H

#include "tensor/decompose.h"
#include "kernels/type.h"

/* Rounds w (rows x n) to the type, in place: afterwards it holds what is stored. `c`, n x n and positive definite; NULL: no
 * feedback, each block for itself. n is a multiple of the type's block. False and *e: no memory, or c is not as said. */
bool round_with_feedback(enum type type, double *w, size_t rows, size_t n, const double *c, struct error *e);

#endif
