/* remake.h - one matrix of a block as a quantised model stores it when its inputs are known: numbers quantised with the metric
 * of the inputs, and what corrects them (docs/mpo.md).
 *
 * Which tensors stand for the matrix is known from shapes alone, before any number is made: a GGUF's header comes first.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_REMAKE_H
#define HARTREE_REMAKE_H

#include "engine/compress/compact_metric.h"
#include "loader/gguf.h"
#include "tensor/mpo.h"

struct remake_options {
    size_t rank;   /* of the correction; 0: none */
    bool mean;     /* a bias that takes the error on the mean input */
    bool feedback; /* later blocks make up for earlier ones (feedback.h), where the metric has vectors */
};

enum { REMAKE_MAX_TENSORS = 5 };

struct remake {
    struct remake_options options;
    const struct tensor *from, *bias; /* the matrix, and the layer's own bias or NULL; borrowed like the metric */
    const struct compact_metric *metric;
    enum type type;
    char prefix[TENSOR_MAX_NAME]; /* "blk.3.ffn_up" */
    size_t join;                  /* rows that share a row of blocks (feedback.h) */
    struct mpo mpo;               /* d = 2 where they do, else 0 */
    char joint[TENSOR_MAX_NAME];  /* where the selection of joined rows stands: layers that share an input share it */
    struct tensor tensors[REMAKE_MAX_TENSORS]; /* as they will be written, no data */
    int n;
};

/* False and *e: the metric is of another width, a correction is asked for and there are no vectors or mean, or no blocks of the
 * type fit. */
bool remake_plan(struct remake *r, const struct gguf *g, const struct tensor *from, enum type type,
                 const struct compact_metric *m, const struct remake_options *o, struct error *e);

/* The tensors' bytes in data[0 .. r->n), to be freed by the caller, those of a failed call as well. cost[0] becomes the
 * output's squared error relative to the output itself as quantised, cost[1] as corrected, both in the metric. */
bool remake_run(const struct remake *r, struct pool *pool, void *data[REMAKE_MAX_TENSORS], double cost[2], struct error *e);

#endif
