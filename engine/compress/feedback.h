/* feedback.h - quantises a matrix block by block so that later blocks make up for the errors of earlier ones, as the inputs
 * make it possible.
 *
 * What counts is the error of the output, tr((W - Q) C (W - Q)^T). Once some columns p are quantised with errors e, the other
 * columns r are best moved by e C_pr C_rr^-1 (Hassibi and Stork 1993; Frantar et al. 2023, GPTQ, does so column by column).
 * Here the columns of a block go at once, since a block's scales are fitted to all of its numbers, with the weights of what the
 * columns to come cannot make up for: the diagonal of C_pp - C_pr C_rr^-1 C_rp.
 *
 * With C = D + u^T u (compact_metric.h), S = u_r D_r^-1 u_r^T and M = (1 + S)^-1
 *
 *   C_pr C_rr^-1 = u_p^T M u_r D_r^-1,     C_pp - C_pr C_rr^-1 C_rp = D_p + u_p^T M u_p
 *
 * (Woodbury), so that a row needs to carry but one number a vector from block to block.
 *
 * Joined rows: where a row of n_in numbers is no whole number of blocks, `join` rows of the matrix share a row of the tensor,
 * 32 numbers of each in turn, and that is a matrix product operator that stands in the file as any other (docs/mpo.md): its
 * second core, which is no more than a selection, spreads the input. SPDX-License-Identifier: MIT */
#ifndef HARTREE_FEEDBACK_H
#define HARTREE_FEEDBACK_H

#include "engine/compress/compact_metric.h"
#include "tensor/mpo.h"

/* The rows of the matrix that share a row of blocks of `type`: 1 where n_in suits it, else 2, 4 or 8; 0: none of them does. */
size_t join_rows(enum type type, size_t n_in, size_t n_out);
/* The structure of joined rows: core 0 holds the numbers, core 1 the selection, which join_selection fills: 64 or more rows of
 * 32 numbers, in floats. */
void join_mpo(size_t join, size_t n_in, size_t n_out, struct mpo *m);
void join_selection(size_t join, float *y);

/* Quantises w (n_out x f->n) into `out`, n_out / join rows of type_bytes(type, join * n) bytes, and puts what they stand for
 * into q (n_out x n). Without vectors in f, each block by itself with the diagonal as weights. The type has blocks of 32 or
 * more. False and *e for want of memory. */
bool feedback_quantise(const struct compact_form *f, const float *w, size_t n_out, enum type type, size_t join,
                        struct pool *pool, void *out, float *q, struct error *e);

#endif
