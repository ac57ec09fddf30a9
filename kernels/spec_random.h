/* spec_random.h - the random numbers of all specs.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SPEC_RANDOM_H
#define HARTREE_SPEC_RANDOM_H

#include <stdint.h>

/* splitmix64 (Steele, Lea and Flood 2014): every seed, zero included, gives a good sequence. */
static inline uint64_t spec_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

#endif
