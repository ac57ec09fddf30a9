/* tower_shapes.h - vision towers known by their numbers alone, named as the language models they belong to: for predictions
 * without a download, and for synth. SPDX-License-Identifier: MIT */
#ifndef HARTREE_TOWER_SHAPES_H
#define HARTREE_TOWER_SHAPES_H

#include "engine/mix.h"
#include "loader/gguf.h"

struct tower_shape {
    const char *name;
    int n_layer, n_embd, n_head, n_ff, n_out; /* n_out: the language model's width */
};

const struct tower_shape *tower_shape_at(size_t i); /* NULL past the end */

/* Reads "NAME[:TYPE]"; the type is F16 unless given. False and *e naming the known ones. */
bool tower_shape_parse(const char *spec, const struct tower_shape **s, const struct mix **mix, struct error *e);

/* The tensors in their types, without offsets or data, in the order of a file; to be freed. NULL: no memory. */
struct tensor *tower_shape_tensors(const struct tower_shape *s, const struct mix *mix, size_t *n, struct error *e);

/* All metadata and the tensor headers into a writer. */
void tower_shape_describe(const struct tower_shape *s, const struct mix *mix, const struct tensor *tensors, size_t n,
                          struct gguf_writer *w);

/* The header of such a file, *size bytes to be freed; *file_size those of the whole file. NULL and *e. */
char *tower_shape_header(const char *spec, size_t *size, uint64_t *file_size, struct error *e);

#endif
