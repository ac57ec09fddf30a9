/* correction.h - a low-rank matrix and a bias that make up for what quantising a layer has done to its outputs.
 *
 * Of all matrices of rank r, left^T right with left the leading eigenvectors of E C E^T and right = left E takes the most of
 * tr(E C E^T) (Eckart and Young, in the metric C; LQER, Zhang et al. 2024, and QERA, Zhang et al. 2024, correct quantised
 * layers so). left is quantised first; right is then fitted anew to what left has become, and quantised with the inputs'
 * weights. The bias is the error that is left on the mean input. SPDX-License-Identifier: MIT */
#ifndef HARTREE_CORRECTION_H
#define HARTREE_CORRECTION_H

#include "engine/compress/compact_metric.h"
#include "kernels/type.h"

struct correction {
    size_t rank;
    void *left, *right; /* rank rows of n_out and of n numbers, in their types; owned, as all here */
    float *bias;        /* n_out; NULL: none was asked for */
};

/* Q8_0, or F16 where rows of n are no whole number of its blocks. */
enum type correction_type(size_t n);

/* Fits to the error (n_out x f->n), which is lessened by what the low-rank part takes; f is centred if a bias is to be. `mean`
 * NULL: no bias. `rank` 0: no more than that; at most the lesser side. False and *e for want of memory, with nothing held. */
bool correction_fit(struct correction *c, const struct compact_form *f, const float *mean, float *error, size_t n_out,
                    size_t rank, struct pool *pool, struct error *e);
void correction_free(struct correction *c);

#endif
