/* exec.h - runs a plan's steps.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_EXEC_H
#define HARTREE_EXEC_H

#include <stdatomic.h>

#include "engine/kv.h"
#include "engine/plan.h"
#include "engine/pool.h"
#include "engine/profile.h"

/* A picture whose sides are whole numbers of tokens. */
struct exec_picture {
    const unsigned char *rgb; /* rows of width pixels of 3 bytes */
    size_t width, height;
    size_t columns; /* patches across */
};

/* Where a row stands for rope: a token of text at one position by all three, a picture's by its row and column in it. */
struct place {
    int32_t time, row, column;
    int32_t next; /* where text after it goes on */
};

struct exec {
    const struct plan *plan;
    struct kv *kv;
    struct pool *pool;
    struct profile *profile;         /* NULL: not timed */
    struct step step;                /* the one being run */
    enum phase phase;                /* set by the caller; where the profile books it */
    const int32_t *tokens;           /* step.n ids; below zero: row -1 - id of `embeddings` */
    const float *embeddings;         /* rows that stand for tokens (album.h); set by the caller, NULL: none */
    const struct place *places;      /* of all positions in the cache; set by the caller, NULL: a row's position is its place */
    const uint32_t *out_row;         /* step.n_out row numbers within the step */
    const volatile int *interrupted; /* nonzero ends a step between two stages; set by the caller, NULL: nothing does */
    atomic_size_t last_stage;        /* after which a step ends: the plan's last, or where that was seen */
    struct exec_picture picture;     /* what PATCHES cut up; set by the caller */
    void **buffer;                   /* plan->n_buffers arrays of rows */
    float **scratch;                 /* per thread: as much as the op that asks for most (op_def.scratch) */
    struct {
        float *parts;      /* of one row's attention to many positions */
        atomic_uint *done; /* per KV head: how many of them are there */
    } attend;
};

/* Allocates buffers for steps of up to max_rows rows and max_out wanted logits, up to the cache's capacity. Borrows all but its
 * buffers. */
struct exec *exec_new(const struct plan *p, struct kv *kv, struct pool *pool, size_t max_rows, size_t max_out, struct error *e);
void exec_free(struct exec *x);
/* Bytes that exec_new would allocate for a cache of so many positions. */
size_t exec_bytes(const struct plan *p, size_t max_rows, size_t max_out, size_t positions, int threads);

/* Chunks that a stage of the plan is cut into in such a step, all its chains together. */
size_t stage_chunks(const struct plan *p, size_t stage, const struct step *s);

/* Runs one step: `tokens[0..n)` at the KV cache's end; the cache grows by n. The caller has checked that they fit. Returns
 * n_out rows of n_vocab logits, valid until the next step. NULL: it was interrupted; the cache is as
 * before, a profile has the stages that were done. */
float *exec_step(struct exec *x, const int32_t *tokens, size_t n, const uint32_t *out_row, size_t n_out);

/* Row r of a buffer, for ops. */
static inline void *exec_row(const struct exec *x, int buffer, size_t r)
{
    return (char *)x->buffer[buffer] + r * buffer_row_bytes(&x->plan->buffers[buffer]);
}

/* Row r of what an op reads, and of what it writes: one after another by the op's own elements, of which a buffer that several
 * layers share may have more. */
static inline void *exec_from(const struct exec *x, const struct op *op, size_t r)
{
    return (char *)x->buffer[op->src] + r * type_bytes(x->plan->buffers[op->src].type, (size_t)op->n_in);
}

static inline void *exec_to(const struct exec *x, const struct op *op, size_t r)
{
    return (char *)x->buffer[op->dst] + r * type_bytes(x->plan->buffers[op->dst].type, (size_t)op->n_out);
}

#endif
