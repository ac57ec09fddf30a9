/* spec_floats.h - what the specs of the float ops share: random inputs, and errors of float arrays.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SPEC_FLOATS_H
#define HARTREE_SPEC_FLOATS_H

#include <math.h>
#include <string.h>

#include "kernels/kernel.h"
#include "base/random.h"

/* Mean 0, variance 1, within +-3.5: a sum of four uniform numbers is bell-shaped enough. */
static inline float vspec_normal(uint64_t *state)
{
    uint64_t z = random_next(state);
    int sum = (int)(z & 0xffff) + (int)(z >> 16 & 0xffff) + (int)(z >> 32 & 0xffff) + (int)(z >> 48) - 131070;
    return (float)sum * (1.0f / 37837.0f); /* 4 uniforms on 2^16: deviation 65536 * sqrt(4 / 12) */
}

static inline void vspec_fill(float *x, size_t n, uint64_t *state)
{
    for (size_t i = 0; i < n; i++) x[i] = vspec_normal(state);
}

/* |got - want| over (|want| + floor); 0 where both are NaN or the same infinity, infinite where only one is. */
static inline double vspec_difference(float want, float got, double floor)
{
    if (want == got || (isnan(want) && isnan(got))) return 0;
    double e = fabs((double)got - (double)want) / (fabs((double)want) + floor);
    return isnan(e) ? (double)INFINITY : e;
}

static inline double vspec_max_difference(const float *want, const float *got, size_t n, double floor)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++) worst = fmax(worst, vspec_difference(want[i], got[i], floor));
    return worst;
}

#endif
