/* rows.h - writes tensors row block by row block: a function makes each row in its stored form, on all threads, and they go to
 * the file in order. So a model larger than memory can be made, and the bytes don't depend on the number of threads.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ROWS_H
#define HARTREE_ROWS_H

#include "engine/pool.h"
#include "loader/gguf.h"

/* Puts row number `row` of the tensor `t` into out (t->row_bytes, in its type); `floats` is scratch for t->ne[0] of them.
 * Called once a row, from any thread, in any order. */
typedef void row_fn(const void *ctx, const struct tensor *t, int64_t row, float *floats, void *out);

struct row_writer {
    struct gguf_writer *out;
    struct pool *pool;
    /* NULL, or called after each block with the bytes written so far and those of all tensors (`total`, which the caller sets).
     */
    void (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *progress_ctx;
    const volatile int *stop; /* NULL, or ends the work with an error once it is not 0 */
    uint64_t done, total;

    char *block;   /* private: rows ready to be written */
    float *floats; /* private: one row a thread */
    size_t block_capacity, floats_capacity; /* bytes; floats */
};

/* Writes one tensor of which only type, ne and row_bytes are read. False and *e ("FILE PLACE ..." without the file's name)
 * when the disk is full, memory is short or *stop was set. */
bool rows_write(struct row_writer *w, const struct tensor *t, row_fn *row, const void *ctx, struct error *e);

/* Writes bytes that are already in the tensor's type. */
bool rows_copy(struct row_writer *w, const struct tensor *t, const void *data, struct error *e);

void rows_free(struct row_writer *w); /* the private buffers only */

#endif
