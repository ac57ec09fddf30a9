/* unit.h - what the compressor gives one rank to: a matrix, or several of one input that share their last core.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_UNIT_H
#define HARTREE_UNIT_H

#include "engine/compress/statistics.h"

enum compress_scope { SCOPE_ALL, SCOPE_FFN, SCOPE_ATTENTION };

struct unit {
    int layer;
    enum statistics_site site;
    int n_roles;
    const char *role[SITE_MAX_ROLES];
    size_t out[SITE_MAX_ROLES]; /* rows of each */
    size_t n_in, n_out, full;   /* all rows; the lesser of the two: at this rank the matrices stay as they are */
    /* What the survey finds: error[r], r <= full, is the relative error of rank r in the metric, members by their shares. */
    double *error; /* full + 1 of them, owned; NULL: not known */
    double weight; /* how much a relative error of 1 would cost: nats a token, by the probe */
    double share[SITE_MAX_ROLES]; /* of each member in that; alike until it is known */
    size_t rank;   /* the one chosen */
};

/* The units of all layers, in order; `joint` makes one of q, k and v. NULL and *e: no memory, or a matrix in scope that the
 * model lacks, because it is factorised already. */
struct unit *units_new(const struct model *m, enum compress_scope scope, bool joint, size_t *n, struct error *e);
void units_free(struct unit *u, size_t n);

/* Numbers stored at rank r, with the identity gauge or without; at r == full those of the matrices themselves. */
double unit_parameters(const struct unit *u, size_t r, bool gauge);

/* Ranks that are tried: multiples of this, and full. Blocks of the core's type must fill its rows. */
size_t unit_rank_step(const struct unit *u, enum type core);

/* The largest rank of no more than `ratio` of the unit's parameters, at least one step. */
size_t unit_rank_for(const struct unit *u, double ratio, bool gauge, size_t step);

/* "blk.3.ffn_up" and "blk.3.ffn_up.weight" of member i. */
void unit_prefix(const struct unit *u, int i, char name[TENSOR_MAX_NAME]);
void unit_tensor(const struct unit *u, int i, char name[TENSOR_MAX_NAME]);

/* All members' matrices, one below the other, n_out x n_in; to be freed. NULL and *e for want of memory. */
double *unit_matrix(const struct unit *u, const struct model *m, struct error *e);

#endif
