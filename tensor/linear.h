/* linear.h - a weight matrix times rows of activations, in tiles.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_LINEAR_H
#define HARTREE_LINEAR_H

#include <stdbool.h>

#include "tensor/tensor.h"

/* The most columns that are multiplied by the type's dot, 1 to LINEAR_MAX_FEW. More are multiplied by its gemm, which unpacks
 * weights once for a block of them. The bound dot says how many it is the quicker of the two for (kernel.h); where it does not,
 * they are linear_few_unmeasured: two, or fifteen of float weights, which have less to unpack. */
size_t linear_few(enum type weight);
size_t linear_few_unmeasured(enum type weight);
enum { LINEAR_MAX_FEW = 15 };

/* How many weight rows a chunk of work takes for rows of n_in elements and so many columns: few for a dot, where memory sets
 * the pace and threads should end together; for a gemm whole panels. `few` says by weight type up to how many columns a dot is
 * used, since another machine's kernels have other figures; NULL: linear_few's, of the bound ones. */
size_t linear_rows(enum type weight, size_t n_in, size_t cols, const unsigned char *few);
enum { LINEAR_MAX_ROWS = 144 }; /* never more than these */

/* A product of many columns goes by blocks of about LINEAR_TILE_COLS: they and their outputs then stay in the cache from one
 * chunk of rows to the next, and a narrow matrix has chunks for all threads. Weights are unpacked once a block. All blocks are
 * multiplied by the same kernel, since the least is longer than LINEAR_MAX_FEW, so an output's bits do not depend on them;
 * their bounds are multiples of every kernel's tile. */
enum { LINEAR_TILE_COLS = 256, LINEAR_BLOCK_STEP = 48, LINEAR_MAX_COLS = LINEAR_TILE_COLS + LINEAR_BLOCK_STEP };

static inline size_t linear_blocks(size_t cols)
{
    return (cols + LINEAR_TILE_COLS - 1) / LINEAR_TILE_COLS;
}

/* The first column of a block; of block linear_blocks(cols), cols. */
static inline size_t linear_block(size_t cols, size_t block)
{
    size_t blocks = linear_blocks(cols);
    return block == blocks ? cols : cols * block / blocks / LINEAR_BLOCK_STEP * LINEAR_BLOCK_STEP;
}

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

/* Dequantised weights times float activations: the reference that linear_multiply is held to. `scratch` holds the floats that
 * linear_exact_scratch says for parts of so many rows of n_in elements: none for F32 weights. */
size_t linear_exact_scratch(enum type weight, size_t rows, size_t n_in);
void linear_multiply_exact(const struct linear_part *p, float *scratch);

#endif
