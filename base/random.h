/* random.h - seeded random numbers: splitmix64 (Steele, Lea and Flood 2014). Every seed, zero included, gives a good sequence,
 * and the same one on every machine. SPDX-License-Identifier: MIT */
#ifndef HARTREE_RANDOM_H
#define HARTREE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#define RANDOM_STEP 0x9e3779b97f4a7c15u

/* Spreads any number over 64 bits, so that neighbours have nothing in common: the last step of the generator by itself. */
static inline uint64_t random_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* The next 64 bits. *state begins as the seed. */
static inline uint64_t random_next(uint64_t *state)
{
    return random_mix(*state += RANDOM_STEP);
}

/* The i-th number, from 0 on, of the sequence of `seed`, without those before it. */
static inline uint64_t random_at(uint64_t seed, uint64_t i)
{
    return random_mix(seed + RANDOM_STEP * (i + 1));
}

/* The next 53 bits as a fraction in [0, 1). */
static inline double random_fraction(uint64_t *state)
{
    return (double)(random_next(state) >> 11) * 0x1p-53;
}

/* The next fraction in [-1, 1), of a float's 24 bits. */
static inline float random_signed(uint64_t *state)
{
    return (float)((int64_t)random_next(state) >> 40) * 0x1p-23f;
}

/* A whole number from 0 to n - 1, n below 2^53; 0 where n is. */
static inline size_t random_below(uint64_t *state, size_t n)
{
    return (size_t)(random_fraction(state) * (double)n);
}

#endif
