/* SPDX-License-Identifier: MIT */
#include "base/wilson.h"

#include <math.h>

void wilson_interval(size_t hits, size_t n, double z, double interval[2])
{
    interval[0] = interval[1] = NAN;
    if (n == 0) return;
    double m = (double)n, p = (double)hits / m, shrink = 1 + z * z / m;
    double centre = (p + z * z / (2 * m)) / shrink, half = z / shrink * sqrt(p * (1 - p) / m + z * z / (4 * m * m));
    /* At the ends the formula gives 0 and 1 but for rounding. */
    interval[0] = hits == 0 ? 0 : centre - half;
    interval[1] = hits == n ? 1 : centre + half;
}
