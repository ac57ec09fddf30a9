/* lcg.h - bytes that a script in another language makes as easily, where the numbers that a test expects come from.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_LCG_H
#define HARTREE_LCG_H

#include <stdint.h>

/* The next byte: the upper one of a 32-bit linear congruential generator (Numerical Recipes' constants). */
static inline uint8_t lcg_byte(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return (uint8_t)(*state >> 24);
}

#endif
