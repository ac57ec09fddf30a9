/* linear.h - how a matrix product is cut into tiles, for the op and for whoever calibrates it.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_LINEAR_H
#define HARTREE_LINEAR_H

#include "kernels/type.h"

struct linear_tile {
    size_t rows; /* weight rows a chunk */
    size_t cols; /* activation rows a kernel call */
};

/* A tile for rows of n_in elements: its weights stay in L1 or close while its activations pass through L2 once per chunk. A
 * function of shapes alone, so that results do not depend on threads. */
struct linear_tile linear_tile(enum type weight, enum type activation, size_t n_in);

#endif
