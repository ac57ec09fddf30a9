/* compact_metric.h - what an error of a linear layer's weights costs in its output, small enough to keep for every layer of a
 * model.
 *
 * The output's squared error is tr(E C E^T), C = E[x x^T] of the layer's inputs. C is kept as
 *
 *   C = mean mean^T + V^T diag(value) V + diag(rest)
 *
 * with the leading eigenvectors V of the covariance, and a diagonal that makes C's own diagonal exact but for 1 % of its mean,
 * added so that what calibration has not seen costs something, too. SPDX-License-Identifier: MIT */
#ifndef HARTREE_COMPACT_METRIC_H
#define HARTREE_COMPACT_METRIC_H

#include "engine/compress/moments.h"

enum { COMPACT_VECTORS = 128 }; /* at most; a quarter of the width where that is less */

struct compact_metric {
    size_t n, k;   /* width; vectors */
    float *mean;   /* n */
    float *square; /* n: the diagonal of C, nothing added */
    float *v;      /* k x n */
    float *value;  /* k, the largest first */
};

/* Of finished moments with `second`. False and *e for want of memory; nothing is held then. */
bool compact_metric_new(struct compact_metric *m, const struct moments *x, struct pool *pool, struct error *e);
void compact_metric_free(struct compact_metric *m);

/* A compact metric as it is reckoned with: V's rows scaled by the roots of their values, the mean among them or left out.
 * (metric_norm and its like are of tensor/decompose.h's whole matrix.) */
struct compact_form {
    size_t n, k;
    float *u;    /* k x n: C = u^T u + diag(rest) */
    float *rest; /* n, above 0 */
};

/* `centred` leaves the mean out: for what is made up for on the mean input otherwise, by a bias. `vectors` false: the diagonal
 * alone, k = 0. False and *e: no memory, or inputs that are all zero. */
bool compact_form_new(struct compact_form *f, const struct compact_metric *m, bool centred, bool vectors, struct error *e);
void compact_form_free(struct compact_form *f);

/* y[c] = C x[c], of `count` vectors of n floats. y may not be x. */
bool compact_form_multiply(const struct compact_form *f, struct pool *pool, const float *x, size_t count, float *y,
                           struct error *e);
/* tr(d C d^T) of a matrix of `rows` rows of n; NAN where memory is short. */
double compact_form_cost(const struct compact_form *f, struct pool *pool, const float *d, size_t rows);

#endif
