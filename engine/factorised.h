/* factorised.h - which layers of a model are not plain matrices, and what that saves: for `hartree info`.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_FACTORISED_H
#define HARTREE_FACTORISED_H

#include "engine/plan.h"

enum { FACTORISED_WORDS = 96 };

struct factorised_row {
    char name[TENSOR_MAX_NAME];          /* "blk.3.ffn_up" */
    char spec[MPO_SPEC];                 /* as mpo_spec has it; "dense" for a matrix with additions */
    char added[FACTORISED_WORDS];        /* "joint, rank 4, 16 columns, bias, permuted": what there is of these; "" */
    char order[FACTORISED_WORDS];        /* of cores, where the plan takes another than the stored one: "0,1"; else "" */
    double parameters, dense_parameters; /* a joint core counts in the first of its layers */
    double flops, dense_flops;           /* a token */
    size_t rebuild_from;                 /* rows from which on the plan makes the matrix of its cores; SIZE_MAX: never */
};

/* One row a layer that is not a plain matrix, in the plan's order; to be freed. NULL and *e for want of memory. */
struct factorised_row *factorised_list(const struct plan *p, size_t *n, struct error *e);

#endif
