/* cores.h - the cores of a unit as a file stores them: fitted in the metric, in identity gauge, rounded to their type.
 *
 * Rounding one core changes what the others should be. So the left one is rounded first and the right one fitted to it anew;
 * this is rounded with error feedback (rounding.h) and the left one fitted once more, in the metric, and rounded with feedback
 * in that of what the right one hands it.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_CORES_H
#define HARTREE_CORES_H

#include "engine/compress/unit.h"
#include "tensor/decompose.h"
#include "tensor/mpo.h"

struct cores_options {
    enum type type; /* of the cores */
    bool gauge;
    /* Matrix product operators of so many cores, one matrix a unit and no gauge; 0: low rank. Of two cores o = (out / split,
     * split) and i = (split, in / split), or o = (out, 1) and i = (parts, in / parts); more are balanced. */
    int sites, split, parts;
};

/* Of the metric: the share of GPTQ's. */
#define COMPRESS_DAMPING 0.01

/* The tensors of a unit; their data is owned. */
enum { CORES_MAX = 3 * SITE_MAX_ROLES + MPO_MAX_CORES };
struct cores {
    struct tensor t[CORES_MAX];
    int n;
    struct mpo mpo[SITE_MAX_ROLES];     /* of each member */
    double rel_error[SITE_MAX_ROLES];   /* |W - W'|_C^2 / |W|_C^2 of each, as stored */
    char joint[TENSOR_MAX_NAME];        /* where the last core stands if the members share it, else "" */
};
void cores_free(struct cores *c);

/* Scales of the rows: the roots of their importances (importance.h; NULL: alike), a member's by 1 / |W_m|_C of the rows so
 * scaled and by the root of its share, so that members' relative errors count as their shares say. `image`: metric_image of the
 * unit's rows. `scale` has n_out; norms[m] receives |W_m|_C^2 of the rows as they are. False and *e: a norm that is no
 * number. */
bool cores_scales(const struct unit *u, const double *image, const double *importance, double *scale,
                  double norms[SITE_MAX_ROLES], struct error *e);
/* w (or its image) times these, row by row, or divided by them. */
void cores_scale(const struct unit *u, const double *scale, bool back, double *w);

/* The structure of the unit's one matrix with the bond `bond`, as far as each cut allows. False and *e where its sizes do not
 * divide. */
bool cores_structure(const struct unit *u, const struct cores_options *o, size_t bond, struct mpo *m, struct error *e);
/* The largest bond of no more than `ratio` of its parameters, in steps of 32 from there on; at least 1. u->full: ratio is 1. */
size_t cores_bond_for(const struct unit *u, const struct cores_options *o, double ratio);

/* Cores of rank u->rank for the unit's matrices w (unit_matrix). `product`, NULL or n_out x n_in floats, receives what they
 * stand for as they are stored. False and *e. */
bool cores_make(struct cores *c, const struct unit *u, const double *w, const struct metric *m, const double *importance,
                const struct cores_options *o, float *product, struct error *e);

#endif
