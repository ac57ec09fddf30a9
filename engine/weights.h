/* weights.h - one linear layer as a file stores it: dense, factorised, and what is added to either.
 *
 *   y = W x + sum_j left_j <right_j, x> + sum_j kept_j x[index_j] + bias
 *
 * where W is the tensor "blk.N.ROLE.weight" or the product of cores "blk.N.ROLE.mpo.K" (tensor/mpo.h). Factors and bonds stand
 * in metadata, which docs/mpo.md lists; everything read is checked against everything else. SPDX-License-Identifier: MIT */
#ifndef HARTREE_WEIGHTS_H
#define HARTREE_WEIGHTS_H

#include "engine/arch.h"
#include "tensor/mpo.h"

struct layer_weights {
    int layer; /* -1: outside the layers */
    const char *role;
    size_t n_in, n_out;
    const struct tensor *dense; /* NULL: factorised */
    const struct tensor *bias;  /* n_out floats, NULL: none */
    struct mpo mpo;             /* d = 0: dense */
    const struct tensor *core[MPO_MAX_CORES];
    struct mpo_pivot *pivots[MPO_MAX_CORES];   /* mpo.pivots[k] of them, owned; NULL: no gauge, or only the header was read */
    const struct tensor *pivot[MPO_MAX_CORES]; /* ... as stored: the row of the core's rows that column j is 1 in, or -1 */
    bool reordered; /* contracted in `order`, since that takes fewer FLOPs than from the last core to the first */
    int order[MPO_MAX_CORES];
    const struct tensor *perm_in, *perm_out; /* I32: W[perm_out[o], perm_in[i]] is the product's [o, i]; NULL: as it is */
    const struct tensor *right, *left;       /* rank rows of n_in and of n_out; NULL: none */
    const struct tensor *kept, *kept_index;  /* rows of n_out, columns of W; I32: which; NULL: none */
};

/* Reads "blk.LAYER.ROLE", or "ROLE" where layer < 0. NULL and *e ("tensor 'NAME': found X, expected Y", "metadata 'KEY': ...")
 * for anything missing, misshapen or out of range. Borrows the tables, whose tensors may have no data: then what they hold is
 * not checked, and there are no pivots. */
struct layer_weights *weights_read(const struct gguf *g, int layer, const char *role, size_t n_in, size_t n_out,
                                   enum presence bias, struct error *e);
void weights_free(struct layer_weights *w);

/* Whether the file follows a version of the convention that is known, or holds no key of it. */
bool weights_check_format(const struct gguf *g, struct error *e);
/* Whether the file names as many factorised layers as the plan has `used`: one that nothing asks for would be left out in
 * silence. */
bool weights_check_count(const struct gguf *g, size_t used, struct error *e);

/* The metadata of one factorised layer, "blk.3.ffn_up"; `joint` is where its last core stands if not beside the others, else
 * NULL. */
void weights_describe(const struct mpo *m, const char *prefix, const char *joint, struct gguf_writer *w);
/* That of the file, once: the convention's version and the names of all layers made of cores. */
void weights_describe_file(const struct gguf_string *layers, size_t n, struct gguf_writer *w);

#endif
