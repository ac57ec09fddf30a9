/* probe.h - real steps of small models, timed op by op: what a machine's rates are taken from.
 *
 * A probe is a model of a numbered shape (shapes.c) whose weights are any bytes, run by the engine itself. So a rate holds what
 * an op costs where it stands: with its input just written by another core, its chunks handed out, its weights in the cache or
 * not.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PROBE_H
#define HARTREE_PROBE_H

#include "engine/account/predict.h"
#include "engine/session.h"

/* Bytes that stand in for weights: probe_weights_fill. They are lent to all tensors of a shape, one after another, from the
 * start again where they end, and have to be more than its largest tensor. */
struct probe_weights {
    char *bytes;
    size_t n;
};

/* Fills them with numbers that are small and ordinary in every weight type, so that activations stay so too: the first few with
 * ones, which norms get. */
void probe_weights_fill(struct probe_weights *w);

enum { PROBE_SHAPE = 64 };

/* A llama of as many layers as fit so many bytes of weights, one at least: a step reads them all, once. */
void probe_cold_shape(char shape[PROBE_SHAPE], enum type type, size_t bytes);

struct probe {
    const char *shape;
    const struct probe_weights *weights;
    enum type kv_type;
    int threads;
    size_t before; /* positions fed beforehand, untimed */
    size_t rows;   /* of each step that is timed */
    int steps;     /* of which the middle one by time counts; a prompt's all begin after `before` positions, single rows follow
                      each other */
};
enum { PROBE_MAX_STEPS = 16 };

/* What ops of one kind did and how long it took, the stage's own cost and idle threads taken off as predict.h counts them. */
struct probe_sum {
    double work, seconds; /* FLOPs of linear and attend, bytes of the others */
    double each; /* linear: elements of weights; attend: FLOPs of one position more in every row's sight */
};

struct probe_sums {
    struct probe_sum linear[TYPE_FILE_END], attend[TYPE_FILE_END], vector[OP_KIND_COUNT];
    double seconds, stages; /* wall time of the steps, and how many stages they ran */
};

/* Adds a probe's middle step to *sums; one before them is not counted. `tau` is the cost of a stage. False and *e if memory or
 * threads are short, or the shape does not fit `weights`. */
bool probe_run(struct probe_sums *sums, const struct probe *p, double tau, struct error *e);

/* The same for one picture through a small vision tower. */
bool probe_tower(struct probe_sums *sums, const struct probe_weights *w, int threads, double tau, struct error *e);

/* A model of a shape that runs on lent weights; model_close releases it. */
struct model *probe_model(const char *shape, const struct probe_weights *w, struct error *e);

#endif
