/* linear.h - a weight matrix times rows of activations, in tiles. Dense so far.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_LINEAR_H
#define HARTREE_LINEAR_H

#include <stdbool.h>

#include "tensor/tensor.h"

/* How many weight rows a chunk of work takes for rows of n_in elements and so many columns: few for a dot, where memory sets
 * the pace and threads should end together; for a gemm whole panels. A function of shapes and of the bound kernels. */
size_t linear_rows(enum type weight, size_t n_in, size_t cols);
enum { LINEAR_MAX_ROWS = 144 }; /* never more than these */

/* The most columns that are multiplied by the type's dot. More are multiplied by its gemm, which unpacks weights once for all
 * of them. The bound dot says how many it is the quicker of the two for (kernel.h); where it does not, two, or fifteen of float
 * weights, which have less to unpack. Always below 16. */
size_t linear_few(enum type weight);

/* Whether so many columns are multiplied by the gemm. */
bool linear_unpacks(enum type weight, size_t cols);

/* Part of a product: y[c * ldy + r] = <row (row + r) of w, x_c> + bias[row + r] for r < rows, c < cols. Nothing is owned. */
struct linear_part {
    const struct tensor *w;
    const float *bias; /* of the whole matrix's outputs; NULL: none */
    size_t row, rows;
    const void *x;
    size_t x_stride; /* bytes from one activation row to the next */
    size_t cols;
    float *y;
    size_t ldy;
};

/* Activations in the format that the weight's type multiplies with (type.h). */
void linear_multiply(const struct linear_part *p);

/* Dequantised weights times float activations: the reference that linear_multiply is held to. `scratch` holds one weight row
 * of floats; it is not used for F32 weights. */
void linear_multiply_exact(const struct linear_part *p, float *scratch);

#endif
