/* describe.h - what a GGUF file holds, in sums: for `hartree info`. Needs the header alone.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_DESCRIBE_H
#define HARTREE_DESCRIBE_H

#include "loader/gguf.h"

struct type_sum {
    uint64_t tensors, parameters, bytes;
};

/* Counts one tensor. */
void type_sum_add(struct type_sum *s, const struct tensor *t);

/* The tensors of one layer ("blk.7", "v.blk.0"), or those outside the layers that share a name but for ".weight", ".bias"
 * ("token_embd"). */
struct layer_sum {
    struct gguf_string name; /* into the tensors' names */
    struct type_sum all;
    uint64_t type_bytes[TYPE_FILE_END]; /* by type; their sum is all.bytes */
};

struct description {
    struct gguf_string architecture, name; /* data NULL: the file does not say */
    bool has_layers;
    uint32_t layers;                      /* ARCHITECTURE.block_count, of a vision file ARCHITECTURE.vision.block_count */
    struct type_sum all;
    struct type_sum types[TYPE_FILE_END]; /* tensors == 0: not in the file */
    struct layer_sum *sums;               /* outside the layers in the order of the file, then layers by number */
    size_t n_sums;
};

/* Fills *d, which borrows from g; describe_free gives back what it took. False and *e where the metadata named above is of a
 * wrong kind, or without memory. */
bool describe_model(struct description *d, const struct gguf *g, struct error *e);
void describe_free(struct description *d);

/* Whether kv is a hyper-parameter "ARCHITECTURE.NAME"; *name is then NAME. */
bool describe_hparam(const struct description *d, const struct gguf_kv *kv, struct gguf_string *name);

/* Writes a value in one line fit for a terminal: strings quoted, escaped and cut after `columns`, arrays after six elements. */
void describe_value(FILE *f, const struct gguf_kv *kv, size_t columns);

#endif
