/* micro.h - a plan of one op, repeated: what calibration runs.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_MICRO_H
#define HARTREE_MICRO_H

#include "engine/exec.h"

/* One op, its weight and the step it is run in: a value, free to copy. The buffers and the weight are numbered and bound by
 * the functions below. */
struct micro {
    struct op op;
    struct tensor weight; /* .data NULL: the op has none */
    struct step step;
    struct plan_buffer dst, src, src2; /* width 0: unused */
    int n_head_kv, head_dim;           /* of the cache; 0: none */
    int stages;                        /* how often the op stands in the plan, each time as a stage; 1 */
};

/* y = W x of `rows` activation rows with an n_out x n_in matrix that lies at `weights`, in the type's activation format. */
struct micro micro_linear(enum type type, int n_in, int n_out, size_t rows, const void *weights);

/* Attention of `rows` rows, the last of which sees `positions` of the cache. */
struct micro micro_attend(enum type kv, int n_head_kv, int group, int head_dim, size_t positions, size_t rows);

/* Any other op on rows of `width` elements, a multiple of 256. EMBED reads a Q8_0 table of 256 rows and NORM a vector at
 * `weights`, the others nothing; STORE writes F16; ROPE turns heads of 128. */
struct micro micro_vector(enum op_kind kind, int width, size_t rows, const void *weights);

/* Of one stage. */
struct op_cost micro_cost(const struct micro *m);
size_t micro_chunks(const struct micro *m);

/* Buffers (zeroed) and cache for running it. NULL and *e if memory is short. Borrows the pool and the weight's bytes. */
struct micro_run;
struct micro_run *micro_new(const struct micro *m, struct pool *pool, struct error *e);
void micro_step(struct micro_run *r); /* runs the plan once */
void micro_free(struct micro_run *r);

#endif
