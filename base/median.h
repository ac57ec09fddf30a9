/* median.h - the middle of repeated measurements.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_MEDIAN_H
#define HARTREE_MEDIAN_H

#include <stddef.h>

/* Of n >= 1 numbers, which it sorts; the mean of the two middle ones where n is even. */
double median(double *v, size_t n);

#endif
