/* spec_vector.h - what the specs of the float ops share: random inputs, and errors of float arrays.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SPEC_VECTOR_H
#define HARTREE_SPEC_VECTOR_H

#include <math.h>
#include <string.h>

#include "kernels/kernel.h"

/* splitmix64: every seed, zero included, gives a good sequence. */
static inline uint64_t vspec_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Mean 0, variance 1, within +-6: twelve uniform numbers' sum would cost too much, four are bell-shaped enough. */
static inline float vspec_normal(uint64_t *state)
{
    uint64_t z = vspec_random(state);
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
