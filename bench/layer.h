/* layer.h - times ops of one layer of a real model: a product, the attention, or all of it.
 *
 * What runs is the model's own plan cut down to that layer (and the step's rope angles), on the engine's pool, so that tiling,
 * dispatch, stages and barriers are those of a whole step; the profile's times of the ops in question are added up. Where a
 * whole step reads more weights than the last-level cache holds, so much else is read before each repeat that the layer's
 * weights come from memory, as they would. The prediction is that of the same ops in the whole plan.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_BENCH_LAYER_H
#define HARTREE_BENCH_LAYER_H

#include "engine/account/device.h"
#include "engine/plan.h"

/* Ops of one layer (-1: those outside the layers). */
struct layer_ops {
    int layer;
    bool *chosen;           /* one an op of the plan */
    const struct tensor *w; /* the weight, where just one op with a weight is chosen and nothing else; else NULL */
};

/* The ops that `name` means: a tensor, with or without ".weight"; "blk.N.ROLE" or "ROLE" (plan.h); "blk.N.attn" and
 * "blk.N.ffn", the layer up to the attention's residual and what follows it; "blk.N", all of a layer. False and *e only for
 * want of memory: where nothing is meant, `chosen` is NULL. layer_ops_free releases it. */
bool layer_ops_find(struct layer_ops *l, const struct plan *p, const char *name, struct error *e);
void layer_ops_free(struct layer_ops *l);

struct bench_layer_options {
    size_t rows, past; /* of the step, and positions in the cache before it */
    int threads, repeats;
    enum type kv_type;
    const volatile int *interrupted; /* nonzero stops; NULL */
};

struct bench_layer_result {
    double time_s;       /* the median repeat */
    double flops, bytes; /* as cost.h counts them */
    double
        share_of_peak;  /* the time that the multiply-adds would take at the peak, measured in the same run, over time_s; NAN */
    double predicted_s; /* NAN: not known */
};

enum { BENCH_LAYER_MAX_REPEATS = 100 };

/* False and *e if memory does not suffice or it was interrupted. */
bool bench_layer(struct bench_layer_result *r, const struct plan *p, const struct layer_ops *l, const struct device *d,
                 const struct bench_layer_options *o, struct error *e);

#endif
