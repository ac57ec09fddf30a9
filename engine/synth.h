/* synth.h - a model of a known shape with random weights, for speed work and tests without a download.
 *
 * Weights are normal with the variance that keeps activations and logits of the order of one through all layers; norms are near
 * one. A large tensor is put together from 4096 different blocks of 256 elements in random order, since quantising every one
 * of billions would take the better part of an hour and change nothing in speed. The vocabulary is SPM whatever the family's
 * own is, WordPiece in an encoder: bytes, characters, some English words, and made-up words up to the shape's size. Same
 * shape, type and seed, same bytes, whatever the number of threads. SPDX-License-Identifier: MIT */
#ifndef HARTREE_SYNTH_H
#define HARTREE_SYNTH_H

#include "engine/shapes.h"

struct synth_options {
    const char *shape; /* as shape_parse reads it: "tiny-llama:Q4_K_M" */
    bool mmproj;       /* the vision tower of that name (tower_shapes.h), not the language model */
    uint64_t seed;
    int threads; /* 0: pool_default_threads() */
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* NULL, or called with the bytes written so far and in all */
    void *progress_ctx;
    const volatile int *stop; /* NULL, or ends the work with an error once it is not 0 */
};

struct synth_result {
    char name[SHAPE_NAME]; /* what the file says: shape_name */
    uint64_t file_bytes, tensor_bytes, parameters;
    size_t tensors;
};

/* Writes the whole file to `path` or nothing. `r` may be NULL. False and *e on failure. */
bool synth_write(const struct synth_options *o, const char *path, struct synth_result *r, struct error *e);

/* The vocabulary alone (synth_vocab.c): n_vocab tokens into a writer. With PICTURES the last are the marks of pictures. False
 * and *e if they are too few for one (under 259, of WordPiece 141) or memory is short. */
enum synth_vocabulary { SYNTH_SPM, SYNTH_SPM_PICTURES, SYNTH_WORDPIECE };
bool synth_vocabulary(int n_vocab, enum synth_vocabulary kind, struct gguf_writer *w, struct error *e);

#endif
