/* regress.h - weighted least squares of a few coefficients, and how well they are known.
 *
 * y_i = sum_j b_j x_ij + error_i, the error's variance in proportion to 1 / weight_i. Solved by modified Gram-Schmidt on
 * columns of unit length, so that 1, n and n^2 of n in the thousands do no harm. Intervals are Student's, of n - k degrees of
 * freedom. Source: Bjoerck, Numerical Methods for Least Squares Problems (1996), section 2.4.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_REGRESS_H
#define HARTREE_REGRESS_H

#include <stdbool.h>
#include <stddef.h>

enum { REGRESS_MAX = 5 };

struct regression {
    size_t n;
    int k;
    double b[REGRESS_MAX];
    double low[REGRESS_MAX], high[REGRESS_MAX]; /* 95 %; NAN where n == k: nothing is left to tell the scatter by */
    double scatter; /* standard deviation of an observation of weight 1; relative where weights are 1 / y^2. NAN as above */
};

/* `x` is n rows of k numbers, k from 1 to REGRESS_MAX; `weight` NULL: all 1. False, and *r all NAN, if the rows don't determine
 * the coefficients, a number is not finite, a weight is not above 0, or memory is short. */
bool regress(struct regression *r, const double *x, const double *y, const double *weight, size_t n, int k);

/* The value that Student's t of `freedom` >= 1 degrees stays below with a probability of 97.5 %. */
double student_975(size_t freedom);

#endif
