/* imatrix.h - what a model's linear layers get as inputs, in a file: collected once, used by any number of quantisations.
 *
 * GGUF in the layout of llama.cpp's llama-imatrix, so that either program reads the other's (general.type "imatrix"):
 *
 *   blk.N.ROLE.weight.in_sum2   n_in   F32, sum over tokens of x^2
 *   blk.N.ROLE.weight.counts    1      F32, tokens
 *
 * and beside these, which llama.cpp passes over:
 *
 *   blk.N.ROLE.weight.in_sum    n_in   F32, sum of x
 *   blk.N.ROLE.weight.vectors   n_in, k   F32, leading eigenvectors of the covariance (compact_metric.h); of roles that share
 * an input blk.N.ROLE.weight.values    k      F32, their eigenvalues         (q, k, v; gate, up) at the first of them alone
 *
 * An importance matrix without vectors (llama.cpp's own) gives weights to the quantisers; a correction needs the vectors.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_IMATRIX_H
#define HARTREE_IMATRIX_H

#include "engine/compress/compact_metric.h"
#include "engine/compress/statistics.h"

struct imatrix_entry {
    char name[TENSOR_MAX_NAME];   /* "blk.3.attn_q.weight": one a role, sorted by nothing */
    struct compact_metric metric; /* k = 0, v = NULL: the diagonal alone; mean NULL: not known */
    bool borrowed;                /* the metric is another entry's, which reads the same input */
};

struct imatrix {
    struct imatrix_entry *entry;
    size_t n, capacity;
    size_t tokens;
};

/* Runs the text through the model (statistics.h). NULL and *e: no memory, a text shorter than a sequence, a stop. */
struct imatrix *imatrix_collect(const struct model *m, const struct calibration *c, const struct statistics_options *o,
                                struct error *e);
void imatrix_free(struct imatrix *im);

/* The metric of the tensor "blk.N.ROLE.weight"; NULL: there is none. */
const struct compact_metric *imatrix_find(const struct imatrix *im, const char *tensor);

/* Whole or not at all. `dataset` is what the file says that it was made from. */
bool imatrix_write(const struct imatrix *im, const char *path, const char *dataset, size_t context, struct error *e);
/* NULL and *e: no GGUF, no importance matrix, numbers that are negative or not finite, shapes that do not fit each other. */
struct imatrix *imatrix_read(const char *path, struct error *e);

#endif
