/* mpo.h - a weight matrix as a matrix product operator: a chain of small cores instead of n_out x n_in numbers.
 *
 *   W[o, i] = sum over a_1 .. a_{d-1} of the product over k = 1 .. d of G_k[a_{k-1}, o_k, i_k, a_k]
 *
 * with o = (o_1, ..., o_d) and i = (i_1, ..., i_d) in mixed radix, digit 1 slowest, and bonds r_0 = r_d = 1. d = 2 with o =
 * (out, 1) and i = (1, in) is the low-rank product. In this file cores are numbered from 0, as in the names of their tensors.
 *
 * Cores are stored in the order in which they are multiplied: row (o_k, a_{k-1}), column (i_k, a_k), the a's fastest.
 * Contracted from the last core to the first, each step is then a product of the core with vectors that lie one after another,
 * and what it writes lies as the next step reads it:
 *
 *   in   [token][o_{k+1} .. o_d][i_1 .. i_{k-1}][i_k][a_k]       vectors over (i_k, a_k)
 *   out  [token][o_k .. o_d][i_1 .. i_{k-1}][a_{k-1}]
 *
 * so nothing is ever permuted: of n tokens a step multiplies n * vectors columns at once, its virtual batch.
 *
 * Identity gauge: at a bond of rank r a core may have r rows (o_k, i_k, a_{k-1}), of r elements over a_k, that are those of the
 * identity matrix. They are neither stored nor multiplied. Such a core is stored as what is left: rows (i_k, o_k, a_{k-1}) in
 * that order without the pivots, columns a_k.
 *
 * Sources: Oseledets 2011 (tensor trains); Novikov et al. 2015 (matrices of linear layers); pivoting factorisation, Zhao et al.
 * 2025 (the gauge of a low-rank product). SPDX-License-Identifier: MIT */
#ifndef HARTREE_MPO_H
#define HARTREE_MPO_H

#include "base/error.h"
#include "tensor/tensor.h"

enum { MPO_MAX_CORES = 12, MPO_MAX_FACTOR = 1 << 24, MPO_SPEC = 320 /* bytes of the longest spec */ };

/* Elements that a token's activations may have between two cores: a gigabyte of floats. */
#define MPO_MAX_STATE ((size_t)1 << 28)

struct mpo {
    int d;
    size_t o[MPO_MAX_CORES], i[MPO_MAX_CORES]; /* factors of n_out and n_in */
    size_t r[MPO_MAX_CORES + 1];               /* bonds: core k has r[k] to its left and r[k + 1] to its right */
    size_t pivots[MPO_MAX_CORES];              /* identity rows of each core; 0: not gauged */
};

/* Whether the numbers fit each other and the layer, and nothing made of them overflows. *e: "bonds: found X, expected Y". */
bool mpo_check(const struct mpo *m, size_t n_in, size_t n_out, struct error *e);

/* The shape of core k's tensor, ne[0] first: (i_k r_k, r_{k-1}, o_k), or gauged (r_k, rows that are stored, 1). */
void mpo_core_shape(const struct mpo *m, int k, int64_t ne[3]);

/* "o=3584x4 i=4x1024 r=1,768,1", then " gauge=0" with the numbers of the gauged cores. */
void mpo_spec(const struct mpo *m, char text[MPO_SPEC]);

/* n as d factors, each the divisor nearest to the root of what is left. */
void mpo_balance(size_t n, int d, size_t *factor);

/* One step of the contraction, of one token. */
struct mpo_step {
    size_t vectors;      /* that the core multiplies: o_{k+1} .. o_d times i_1 .. i_{k-1} */
    size_t rows, run;    /* o_k r_{k-1} outputs of each, of which r_{k-1} stay together */
    size_t slices, cols; /* a vector has slices * cols elements: gauged i_k * r_k, else 1 * i_k r_k */
    size_t pivots;
};
struct mpo_step mpo_step(const struct mpo *m, int k);

/* Elements a token between core k and the one before it, which it writes; k = 0: n_out. */
size_t mpo_state(const struct mpo *m, int k);

double mpo_parameters(const struct mpo *m); /* stored numbers */
double mpo_flops(const struct mpo *m);      /* a token, from the last core to the first */

/* FLOPs a token if cores are contracted in the order order[0 .. d), no gauge made use of. */
double mpo_order_flops(const struct mpo *m, const int *order);
/* The cheapest of all d! orders, found by going through sets of contracted cores; its FLOPs. */
double mpo_best_order(const struct mpo *m, int order[MPO_MAX_CORES]);

/* FLOPs of making the whole matrix from its cores, so many rows at once (mpo_rebuild_rows). */
double mpo_rebuild_flops(const struct mpo *m, size_t at_once);
/* The fewest tokens from which making the matrix and multiplying by it takes fewer FLOPs than `flops` a token; SIZE_MAX if
 * never. */
size_t mpo_rebuild_from(const struct mpo *m, double flops, size_t at_once);

/* ---- Products ---- */

/* One of a core's identity rows: its place among the rows (i_k, o_k, a_{k-1}), and the column that is 1. */
struct mpo_pivot {
    uint32_t place, column;
};

/* Part of a step: rows [row, row + rows) of the core times the vectors [col, col + cols) of all tokens, counted on from one
 * token to the next. Nothing is owned. */
struct mpo_part {
    struct mpo_step step;
    const struct tensor *w;
    const struct mpo_pivot *pivots; /* in order of place; NULL without a gauge */
    size_t row, rows, col, cols;
    const void *x;        /* all vectors, in the format that w multiplies with, one after another */
    size_t x_vector;      /* bytes of each */
    const float *z;       /* the same as floats; used for pivots alone */
    float *y;             /* outputs of token 0 */
    size_t ldy;           /* a token's floats */
    const float *bias;    /* of a token's outputs; NULL: none */
    const int32_t *place; /* output j belongs at place[j]; NULL: at j */
    bool exact;           /* dequantised weights, float x */
};

/* Whether outputs go where they belong as they are computed, with no tile between; `permuted`: the step's outputs have places
 * of their own. Of a gauged core's then no more than the stored rows need scratch, however many identity rows stand among them.
 */
static inline bool mpo_is_direct(const struct mpo_step *s, bool permuted)
{
    return s->vectors == 1 && !permuted;
}

/* Where stored row number `stored` of a gauged core of one slice belongs, among its n identity rows. */
size_t mpo_place(const struct mpo_pivot *pivots, size_t n, size_t stored);

/* Outputs, rows times vectors, of parts of so many rows and at most LINEAR_MAX_COLS vectors; and floats of scratch for parts of
 * as many outputs, however they are shaped. An exact part needs linear_exact_scratch's besides. */
size_t mpo_outputs(size_t rows);
size_t mpo_scratch(size_t rows);
void mpo_multiply(const struct mpo_part *p, float *scratch);

/* Row (o, a) of core k over (i_k, a_k), put together from its slices and its identity rows where it is gauged. */
void mpo_core_row(const struct mpo *m, int k, const struct tensor *w, const struct mpo_pivot *pivots, size_t o, size_t a,
                  float *y);

/* ---- Contraction in another order than the stored one (mpo_contract.c) ---- */

/* Something that a step leaves alone: its size, and its strides in what is read and what is written. */
struct mpo_axis {
    size_t n, in, out;
};

/* Step number `step` of an order: core order[step], with the bonds that it sums over and those that it opens. Strides count
 * floats. */
struct mpo_contraction {
    int core;
    bool sum_left, sum_right, last;
    size_t n_in, n_out; /* floats of a token before and after */
    size_t in_i, in_left, in_right, out_o, out_left, out_right;
    int n_axes;
    struct mpo_axis axis[2 * MPO_MAX_CORES];
    size_t batch; /* product of the axes */
};
struct mpo_contraction mpo_contraction(const struct mpo *m, const int *order, int step);

/* Outputs of digit o for the places [first, end) of the batch of all tokens. `bias`, of a token's outputs, is added in the last
 * step; NULL: none. scratch: mpo_contract_scratch floats. */
void mpo_contract(const struct mpo *m, const struct mpo_contraction *c, const struct tensor *w, const struct mpo_pivot *pivots,
                  size_t o, size_t first, size_t end, const float *x, float *y, const float *bias, float *scratch);
size_t mpo_contract_scratch(const struct mpo *m, int k);

/* ---- The matrix itself ---- */

/* Puts rows [row, row + rows) of the matrix itself into y, rows of n_in floats: how a layer is multiplied where its steps cost
 * more. What rows have in common, the product of the cores of their first digits, is made once. core[k] and pivots[k] as in
 * mpo_part. scratch: mpo_rebuild_scratch floats. */
void mpo_rebuild_rows(const struct mpo *m, const struct tensor *const *core, const struct mpo_pivot *const *pivots, size_t row,
                      size_t rows, float *y, float *scratch);
size_t mpo_rebuild_scratch(const struct mpo *m, size_t rows);

#endif
