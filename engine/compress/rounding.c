/* SPDX-License-Identifier: MIT */
#include "engine/compress/rounding.h"

#include <stdlib.h>
#include <string.h>

#include "tensor/lapack.h"

/* Columns that are rounded before what they leave is passed on: a block of the type, or as many for types without blocks. */
enum { LEAST_COLUMNS = 32 };

/* U with C^-1 = U^T U, upper: row i holds how column i's error is passed on. From C with its columns the other way round. */
static bool inverse_root(size_t n, const double *c, double *u, struct error *e)
{
    double *flip = malloc(n * n * sizeof *flip);
    if (!flip) return fail(e, "found no memory for %zu x %zu", n, n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) flip[i * n + j] = c[(n - 1 - i) * n + (n - 1 - j)];
    bool ok = matrix_cholesky(n, flip, e); /* J C J = L L^T: C = (J L J)(J L J)^T with J L J upper, whose inverse is U */
    if (ok) {
        memset(u, 0, n * n * sizeof *u);
        for (size_t i = 0; i < n; i++) u[i * n + i] = 1;
        matrix_solve_right(n, n, flip, u); /* L^-1 */
        for (size_t i = 0; i < n * n / 2; i++) {
            double swap = u[i];
            u[i] = u[n * n - 1 - i], u[n * n - 1 - i] = swap; /* J L^-1 J: both orders turned is the array turned */
        }
    }
    free(flip);
    return ok;
}

/* Rounds columns [first, first + n) of a row; floats: two blocks. */
static void round_block(enum type type, double *w, size_t n, float *floats, void *stored)
{
    for (size_t i = 0; i < n; i++) floats[i] = (float)w[i];
    type_quantise(type, stored, floats, NULL, n);
    type_dequantise(type, floats, stored, n);
    for (size_t i = 0; i < n; i++) w[i] = (double)floats[i];
}

bool round_with_feedback(enum type type, double *w, size_t rows, size_t n, const double *c, struct error *e)
{
    size_t block = type_get(type)->block, step = block < LEAST_COLUMNS ? LEAST_COLUMNS : block;
    double *u = c ? malloc(n * n * sizeof *u) : NULL, *error = malloc(step * rows * sizeof *error),
           *part = malloc(step * n * sizeof *part), *change = malloc(rows * n * sizeof *change);
    float *floats = malloc(step * sizeof *floats);
    void *stored = malloc(type_bytes(type, step));
    bool ok =
        (error && part && change && floats && stored && (u || !c)) || fail(e, "found no memory for %zu rows of %zu", rows, n);
    ok = ok && (!c || inverse_root(n, c, u, e));
    for (size_t first = 0; ok && first < n; first += step) {
        size_t cols = n - first < step ? n - first : step, rest = n - first - cols;
        for (size_t r = 0; r < rows; r++) {
            double *x = w + r * n + first, was[256];
            memcpy(was, x, cols * sizeof *was);
            round_block(type, x, cols, floats, stored);
            for (size_t i = 0; i < cols; i++) error[i * rows + r] = was[i] - x[i];
        }
        if (!c || !rest) continue;
        /* With U = [U_bb U_br; 0 U_rr], errors E of these columns call for -E U_bb^-1 U_br in those that are left. */
        double *square = part; /* U_bb^T, lower, then U_br */
        for (size_t i = 0; i < cols; i++)
            for (size_t j = 0; j < cols; j++) square[i * cols + j] = j <= i ? u[(first + j) * n + first + i] : 0;
        matrix_solve_left(cols, rows, false, square, error); /* (E U_bb^-1)^T, as error is E^T */
        for (size_t i = 0; i < cols; i++) memcpy(part + i * rest, u + (first + i) * n + first + cols, rest * sizeof *part);
        matrix_product(true, false, rows, rest, cols, error, part, change);
        for (size_t r = 0; r < rows; r++)
            for (size_t i = 0; i < rest; i++) w[r * n + first + cols + i] -= change[r * rest + i];
    }
    free(u);
    free(error);
    free(part);
    free(change);
    free(floats);
    free(stored);
    return ok;
}
