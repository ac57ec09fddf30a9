/* conformal.h - how wide an interval must be to hold a new measurement, from the errors of old ones.
 *
 * Split conformal prediction: the n residuals are of runs that no coefficient was fitted to. If a new run is exchangeable with
 * them, the k-th smallest absolute residual, k = ceil((n + 1) level), covers its own with probability level or more, whatever
 * the errors' distribution. It takes n >= level / (1 - level) residuals (19 for 95 %): with fewer no finite width has that
 * coverage.
 *
 * Source: Lei, G'Sell, Rinaldo, Tibshirani, Wasserman, "Distribution-free predictive inference for regression", JASA 2018,
 * algorithm 2.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_CONFORMAL_H
#define HARTREE_CONFORMAL_H

#include <stddef.h>

/* h such that a new run's absolute residual is at most h with probability `level`, 0 < level < 1. Where residuals[0 .. n) are
 * (measured - predicted) / predicted, prediction * (1 -+ h) covers; where they are factors less one, max(measured / predicted,
 * predicted / measured) - 1, prediction / (1 + h) to prediction * (1 + h) does. NAN if n is too small for the level, or if a
 * residual is not finite. */
double conformal_half_width(const double *residuals, size_t n, double level);

/* The least n for which that is known. */
size_t conformal_least(double level);

#endif
