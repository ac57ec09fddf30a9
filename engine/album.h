/* album.h - pictures among the tokens of a prompt.
 *
 * A picture is as many tokens as its tower made rows of it. They have ids of their own, below zero: row r of an album is -1 -
 * r. So a prompt with pictures is a list of ids like any other, and a conversation sees that a picture has been fed already as
 * it sees it of a word. For rope (M-RoPE, arXiv 2409.12191) a picture's tokens stand at the position where it begins, and at
 * their row and column counted from there; text after it goes on max(columns, rows) later. Attention goes by the order of
 * tokens. SPDX-License-Identifier: MIT */
#ifndef HARTREE_ALBUM_H
#define HARTREE_ALBUM_H

#include "engine/exec.h"
#include "engine/text/tokenizer.h"

struct album_picture {
    size_t first; /* row */
    int nx, ny;   /* tokens across and down */
};

struct album {
    int n_embd;
    struct album_picture *picture;
    size_t n, capacity, n_rows;
    float *rows;
};

void album_free(struct album *a); /* what it holds; one of zeros is empty */

/* Adds nx x ny rows of n_embd floats, in raster order; they are copied. All pictures have the same n_embd. False and *e for
 * lack of memory. */
bool album_add(struct album *a, int nx, int ny, int n_embd, const float *rows, struct error *e);

/* Appends the ids of picture i. False: no memory. */
bool album_push(const struct album *a, size_t i, struct tokens *out);

/* Where n tokens stand that come after `next` (of the token before them, 0 at the beginning). */
void album_places(const struct album *a, const int32_t *tokens, size_t n, int32_t next, struct place *out);

#endif
