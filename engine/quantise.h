/* quantise.h - rewrites a model with its matrices in other types.
 *
 * Which tensor gets which type is mix.h's rule. A tensor that already has its type is copied bit for bit; one-dimensional ones
 * become F32; the rest (position tables, integers) stay as they are. Reads from the mapped file and writes row block by row
 * block, so that memory does not grow with the model.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_QUANTISE_H
#define HARTREE_QUANTISE_H

#include "engine/mix.h"
#include "loader/describe.h"

struct quantise_options {
    const struct mix *mix;
    int threads; /* 0: pool_default_threads() */
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* NULL, or called with the bytes written so far and in all */
    void *progress_ctx;
    const volatile int *stop; /* NULL, or ends the work with an error once it is not 0 */
};

struct quantise_result {
    uint64_t file_bytes_in, file_bytes_out, parameters;
    size_t tensors, converted;
    struct type_sum in[TYPE_FILE_END], out[TYPE_FILE_END];
};

/* Writes OUT whole or not at all. False and *e on failure; OUT may not be a file of the model itself. */
bool quantise_file(const char *in, const char *out, const struct quantise_options *o, struct quantise_result *r,
                   struct error *e);

#endif
