/* SPDX-License-Identifier: MIT */
#include "base/median.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void sort_numbers(double *v, size_t n)
{
    qsort(v, n, sizeof *v, ascending);
}

double median(double *v, size_t n)
{
    sort_numbers(v, n);
    return (v[(n - 1) / 2] + v[n / 2]) / 2;
}

double quantile(const double *sorted, size_t n, double share)
{
    double at = share * (double)(n - 1);
    size_t i = (size_t)floor(at) < n - 1 ? (size_t)floor(at) : n - 2;
    return sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]);
}
