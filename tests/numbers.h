/* numbers.h - numbers as several tests want them: a tensor's, a file's, the logits of a prompt.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_TEST_NUMBERS_H
#define HARTREE_TEST_NUMBERS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/tensor.h"

/* All of a tensor as doubles, row by row; to be freed. */
static inline double *tensor_doubles(const struct tensor *t)
{
    size_t n = (size_t)t->ne[0], rows = (size_t)tensor_rows(t);
    float *row = malloc(n * sizeof *row);
    double *all = malloc(n * rows * sizeof *all);
    for (size_t r = 0; r < rows; r++) {
        type_dequantise(t->type, row, tensor_row(t, (int64_t)r), n);
        for (size_t i = 0; i < n; i++) all[r * n + i] = (double)row[i];
    }
    free(row);
    return all;
}

/* The first n floats of a file, to be freed; NULL where there are fewer. */
static inline float *file_floats(const char *path, size_t n)
{
    FILE *f = fopen(path, "rb");
    float *p = malloc(n * sizeof *p);
    if (!f || fread(p, sizeof *p, n, f) != n) {
        free(p);
        p = NULL;
    }
    if (f) fclose(f);
    return p;
}

/* Keeps all rows of logits: session_feed_all's callback. */
struct kept_rows {
    float *to;
    size_t n_vocab;
};
static inline bool keep_row(void *ctx, size_t index, const float *logits)
{
    struct kept_rows *r = ctx;
    memcpy(r->to + index * r->n_vocab, logits, r->n_vocab * sizeof *logits);
    return true;
}

#endif
