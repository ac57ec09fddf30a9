/* SPDX-License-Identifier: MIT */
#include "engine/account/conformal.h"

#include <math.h>

/* 20 * 0.95 is 19, however the product is rounded. */
static double rank(size_t n, double level)
{
    return fmax(1, ceil(((double)n + 1) * level - 1e-9));
}

size_t conformal_least(double level)
{
    size_t n = (size_t)fmax(0, floor(level / (1 - level)) - 1);
    while (rank(n, level) > (double)n) n++;
    return n;
}

double conformal_half_width(const double *residuals, size_t n, double level)
{
    double k = rank(n, level);
    if (!(level > 0 && level < 1) || k > (double)n) return NAN;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(residuals[i])) return NAN;
    /* Walks down from the largest: the rank is near n, so few passes find it, and no copy need be sorted. */
    size_t above = 0; /* residuals beyond `width` */
    double width = INFINITY;
    for (;;) {
        double next = 0;
        size_t equal = 0;
        for (size_t i = 0; i < n; i++) {
            double r = fabs(residuals[i]);
            if (r >= width) continue;
            if (r > next || !equal)
                next = r, equal = 1;
            else if (r == next)
                equal++;
        }
        width = next;
        above += equal;
        if ((double)(n - above) < k) return width;
    }
}
