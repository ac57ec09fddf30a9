/* quantise.h - rewrites a model with its matrices in other types.
 *
 * Which tensor gets which type is mix.h's rule. A tensor that already has its type is copied bit for bit; one-dimensional ones
 * become F32, cores of factorised layers floats or 8 bits; the rest (position tables, integers) stays as it is. Reads from the
 * mapped file and writes row block by row block, so that memory does not grow with the model.
 *
 * With an importance matrix the matrices of the blocks are made anew from it, one at a time (compress/remake.h). Where nothing
 * but weights is asked for (no correction, no feedback), a file's tensors are those of one without. Else the type is that of
 * the blocks' matrices even where a row of them is no whole number of its blocks (they are joined), and a pure type leaves
 * the embedding and the output alone, or makes them Q8_0 where they are floats.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_QUANTISE_H
#define HARTREE_QUANTISE_H

#include "engine/compress/imatrix.h"
#include "engine/compress/remake.h"
#include "engine/mix.h"
#include "loader/describe.h"

struct quantise_options {
    const struct mix *mix;
    const struct imatrix *imatrix;    /* NULL: nothing is known of the inputs */
    struct remake_options remake;     /* what to make of it */
    int threads; /* 0: pool_default_threads() */
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* NULL, or called with the bytes written so far and in all */
    void *progress_ctx;
    const volatile int *stop; /* NULL, or ends the work with an error once it is not 0 */
};

/* One matrix that was made anew: relative squared error of its output, by the importance matrix. */
struct quantise_row {
    char prefix[TENSOR_MAX_NAME]; /* "blk.3.ffn_up" */
    enum type type;
    size_t join, rank;
    uint64_t bytes;      /* of all that stands for it */
    uint64_t parameters; /* of the matrix */
    double error, corrected;
};

enum { QUANTISE_NAMED = 3 };

struct quantise_result {
    uint64_t file_bytes_in, file_bytes_out, parameters;
    size_t tensors, converted;
    /* With an importance matrix: matrices of blocks that it is asked for, those of them that it lacks, and the first of these.
     * They are quantised without weights, or, where others are made anew and the type is a pure one, not at all. */
    size_t matrices, n_lacking;
    char lacking[QUANTISE_NAMED][TENSOR_MAX_NAME];
    struct type_sum in[TYPE_FILE_END], out[TYPE_FILE_END];
    struct quantise_row *rows; /* n_rows, in the order of the file; quantise_result_free */
    size_t n_rows;
};

/* Bits a parameter of the matrices in rows; NAN where there are none. */
double quantise_bits(const struct quantise_result *r);
void quantise_result_free(struct quantise_result *r);

/* Writes OUT whole or not at all. False and *e on failure: a matrix that is converted holds a NaN or an infinity (known before
 * anything is written), OUT is a file of the model itself, or as the parts say. */
bool quantise_file(const char *in, const char *out, const struct quantise_options *o, struct quantise_result *r,
                   struct error *e);

#endif
