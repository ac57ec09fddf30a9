/* median.h - the middle and the tails of repeated measurements.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_MEDIAN_H
#define HARTREE_MEDIAN_H

#include <stddef.h>

/* Of n >= 1 numbers, which it sorts; the mean of the two middle ones where n is even. */
double median(double *v, size_t n);

/* In ascending order. */
void sort_numbers(double *v, size_t n);

/* The number below which a `share` from 0 to 1 of n >= 2 sorted ones lies, between the two nearest (Hyndman and Fan 1996,
 * definition 7). */
double quantile(const double *sorted, size_t n, double share);

#endif
