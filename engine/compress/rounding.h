/* rounding.h - rows rounded to a tensor type so that what they give on real inputs changes least.
 *
 * Columns are rounded in blocks, the type's own or 32 of a type without blocks, from the last to the first. What that changes
 * in the outputs the columns before them make up for, the best they can on inputs of second moments C = L L^T: column j of
 * (W - W') L is made of columns j and after of W - W', and a block is moved to where its columns of that would be zero. That is
 * GPTQ in blocks (Frantar et al. 2023) from its other end, without the inverse of C (Chen et al. 2025 show the two to be one).
 *
 * feedback.h is the same idea for a metric of which only leading eigenvectors and a diagonal are kept. It is not this code with
 * another matrix: there a row carries a number a vector and no LAPACK is needed, here a column's error moves every column
 * before it.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ROUNDING_H
#define HARTREE_ROUNDING_H

#include "tensor/decompose.h"
#include "kernels/type.h"

/* Rounds w (rows x n) to the type, in place: afterwards it holds what is stored. `l`: metric.l of the rows' inputs, n x n;
 * NULL: no feedback, each block for itself. n is a multiple of the type's block. False and *e: no memory. */
bool round_with_feedback(enum type type, double *w, size_t rows, size_t n, const double *l, struct error *e);

#endif
