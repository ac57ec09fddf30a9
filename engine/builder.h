/* builder.h - what the files that build a plan share (plan.c, plan_linear.c, encoder_plan.c,
 * tower/tower_plan.c); nobody else includes it.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_BUILDER_H
#define HARTREE_BUILDER_H

#include "engine/plan.h"

enum { MAX_BUFFERS = 64, MAX_GROUP = 3 };

/* Buffers between the steps of each member of a group: two in turn, what a correction and what kept columns multiply with. */
enum { STATE_EVEN, STATE_ODD, STATE_RIGHT, STATE_KEPT, STATE_COUNT };

/* State while a plan is being built. After a first failure every call does nothing, so that a builder reads as a list. */
struct builder {
    struct plan *plan;
    const struct model *model;
    struct error *e;
    bool ok;
    size_t ops_capacity, layers_capacity;
    int layer;
    int quantised[MAX_BUFFERS][2];     /* per buffer and activation format: the buffer that holds it quantised, or NO_BUFFER */
    bool fresh[MAX_BUFFERS][2];        /* ... and whether that was made since the buffer was last written */
    int state[MAX_GROUP][STATE_COUNT]; /* buffers, or NO_BUFFER before the first use */
    bool sampled;                      /* what is listed works on the sampled rows, whatever buffer it writes */
    size_t n_mpo;                      /* layers made of cores */
    struct op ignored;                 /* what builder_op hands out after a failure: written to, never read */
};

/* A plan without ops; what is to be listed in it follows. False and *e for want of memory. */
bool builder_begin(struct builder *b, const struct model *m, bool exact, struct error *e);
/* Parts the ops into stages. The plan, or NULL and *e after any failure; then nothing is left of it. */
struct plan *builder_end(struct builder *b);

int builder_buffer(struct builder *b, const char *name, size_t width, enum type type, bool sampled);

/* A buffer that lies within another one of at least skip + width elements, whose rows are not in use while its own are. */
int builder_guest(struct builder *b, const char *name, size_t width, int host, size_t skip);

/* The tensor "[blk.LAYER.]NAME" of the given shape, floats where it has one dimension (ne1 0); NULL: absent and optional, or an
 * error. */
const struct tensor *builder_tensor(struct builder *b, const char *name, int64_t ne0, int64_t ne1, enum presence presence);

/* The matrix "[blk.LAYER.]ROLE.weight" of whole blocks a row; NULL: an error. */
const struct tensor *builder_matrix(struct builder *b, const char *role, int n_in, int n_out);

/* Appends an op that reads rows of src and writes rows of dst, as wide as these are. */
struct op *builder_op(struct builder *b, enum op_kind kind, const char *role, int dst, int src);

/* Keys and values into the part `slot` of the cache, and attention over it from q's heads to `dst`: causal and to all
 * positions, where the caller does not go on to say otherwise. */
struct op *builder_attend(struct builder *b, int dst, int q, int k, int v, int slot);

/* The buffer that holds rows of n elements in `src` in the format that w multiplies with: src itself, or its quantised copy,
 * made when first needed. */
int builder_activations(struct builder *b, const struct tensor *w, int src, size_t n);

/* One linear layer among those that read the same buffer. */
struct linear_role {
    const char *role; /* "attn_q": a row of the table in plan_linear.c */
    int dst;
    enum presence bias;
};

/* Up to MAX_GROUP layers of the same input, step by step beside each other, so that they share stages (plan_linear.c). */
void builder_linear(struct builder *b, const struct linear_role *l, int n, int src);

/* All ops of an encoder (encoder_plan.c). */
void builder_encoder(struct builder *b);

#endif
