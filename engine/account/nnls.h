/* nnls.h - least squares with coefficients that can't be negative, and how well a design tells its terms apart.
 *
 * Both work on the normal equations: G = A'A and h = A'b of a design A (a row an observation, a column a term) and observations
 * b. A bootstrap that draws whole groups of rows need then add up a few small matrices instead of all rows again.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_NNLS_H
#define HARTREE_NNLS_H

#include <stdbool.h>

enum { NNLS_MAX = 32 }; /* terms */

struct normal_equations {
    int p;                        /* terms, at most NNLS_MAX */
    double g[NNLS_MAX][NNLS_MAX]; /* symmetric; the first p rows and columns count */
    double h[NNLS_MAX];
};

/* Adds `times` observations b of the row a[0 .. p). */
void normal_add(struct normal_equations *e, const double *a, double b, double times);
void normal_add_all(struct normal_equations *sum, const struct normal_equations *e, double times);

/* x[0 .. p) >= 0 of least |Ax - b|^2. A term that depends on those already in, to about 1e-7, stays 0. False if the search does
 * not end, as with numbers that are not finite. Source: Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23.
 */
bool nnls(const struct normal_equations *e, double *x);

/* How far a design is from not determining its terms, each column scaled to unit length first; none is centred, as there is no
 * constant term. Source: Belsley, Kuh and Welsch, Regression Diagnostics (1980), chapter 3. */
struct collinearity {
    double condition;         /* largest singular value over the least; INFINITY from about 1e7 on */
    double vif[NNLS_MAX];     /* variance inflation: 1 of a term at right angles to all others; INFINITY as above */
    double weakest[NNLS_MAX]; /* unit vector of the scaled terms' combination that the design sees least of */
};
void collinearity(struct collinearity *c, const struct normal_equations *e);

#endif
