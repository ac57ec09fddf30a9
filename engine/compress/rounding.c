/* SPDX-License-Identifier: MIT */
#include "engine/compress/rounding.h"

#include <stdlib.h>
#include <string.h>

#include "tensor/lapack.h"

/* Columns that are rounded before what they lose is made up for: a block of the type, or so many of a type without blocks. */
enum { LEAST_COLUMNS = 32 };

/* Rounds n numbers, a whole number of blocks; floats: as many. */
static void round_columns(enum type type, double *w, size_t n, float *floats, void *stored)
{
    for (size_t i = 0; i < n; i++) floats[i] = (float)w[i];
    type_quantise(type, stored, floats, NULL, n);
    type_dequantise(type, floats, stored, n);
    for (size_t i = 0; i < n; i++) w[i] = (double)floats[i];
}

/* What columns [first, first + cols) of each row are to be moved by, rows x cols, to make up for `error` (row i holds what
 * column i of every row has lost) of the columns after them: with C = L L^T and E those errors that is E L_eb L_bb^-1. */
static void make_up(const double *l, size_t n, size_t first, size_t cols, size_t rows, const double *error, double *part,
                    double *move)
{
    size_t end = first + cols;
    for (size_t i = end; i < n; i++) memcpy(part + (i - end) * cols, l + i * n + first, cols * sizeof *part);
    matrix_product(true, false, rows, cols, n - end, error + end * rows, part, move);
    for (size_t i = 0; i < cols; i++) memcpy(part + i * cols, l + (first + i) * n + first, cols * sizeof *part);
    matrix_solve_right(rows, cols, false, part, move);
}

bool round_with_feedback(enum type type, double *w, size_t rows, size_t n, const double *l, struct error *e)
{
    size_t block = type_get(type)->block, step = block < LEAST_COLUMNS ? LEAST_COLUMNS : block;
    double *error = l ? malloc(n * rows * sizeof *error) : NULL, *part = l ? malloc(n * step * sizeof *part) : NULL,
           *move = l ? malloc(rows * step * sizeof *move) : NULL;
    float *floats = malloc(step * sizeof *floats);
    void *stored = malloc(type_bytes(type, step));
    bool ok = (floats && stored && (!l || (error && part && move))) || fail(e, "found no memory for %zu rows of %zu", rows, n);
    for (size_t end = n, cols; ok && end; end -= cols) {
        cols = end % step ? end % step : step;
        size_t first = end - cols;
        bool moved = l && end < n;
        if (moved) make_up(l, n, first, cols, rows, error, part, move);
        for (size_t r = 0; r < rows; r++) {
            double *x = w + r * n + first;
            for (size_t i = 0; l && i < cols; i++) error[(first + i) * rows + r] = x[i];
            for (size_t i = 0; moved && i < cols; i++) x[i] += move[r * cols + i];
            round_columns(type, x, cols, floats, stored);
            for (size_t i = 0; l && i < cols; i++) error[(first + i) * rows + r] -= x[i];
        }
    }
    free(error);
    free(part);
    free(move);
    free(floats);
    free(stored);
    return ok;
}
