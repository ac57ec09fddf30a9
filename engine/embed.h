/* embed.h - texts as vectors of unit length, by an encoder; their cosine says how near in meaning two texts are.
 *
 *     struct embedder *s = embedder_new(m, &(struct embed_options){0}, &e);
 *     float *v = malloc(embedder_width(s) * sizeof *v);
 *     if (embed(s, "a text", 6, v, &r, &e)) ...; embedder_free(s);
 *
 * A text's tokens go through the model in one step, with the marks that its tokenizer puts around them; the text of a special
 * token is text like any other. The rows are pooled as the file says and the result scaled to length 1, as
 * sentence-transformers does (arXiv 1908.10084). What does not fit the model's positions is left out at the end, before the
 * last mark: the vector is then that of the beginning. SPDX-License-Identifier: MIT */
#ifndef HARTREE_EMBED_H
#define HARTREE_EMBED_H

#include "engine/session.h"

struct embed_options {
    int threads; /* 0: pool_default_threads() */
    bool exact;  /* dequantised weights, float activations, keys and values */
};

struct embedder;

/* NULL and *e: the model is no encoder, its plan can't be built, memory is short. Borrows the model, with its tokenizer. */
struct embedder *embedder_new(const struct model *m, const struct embed_options *o, struct error *e);
void embedder_free(struct embedder *s);

size_t embedder_width(const struct embedder *s); /* floats of a vector */

struct embedded {
    size_t tokens; /* that were read, with the marks */
    size_t cut;    /* that did not fit and were left out */
};

/* The vector of a text into out[0 .. width). False and *e: memory is short, or the model makes no number of it. */
bool embed(struct embedder *s, const char *text, size_t len, float *out, struct embedded *r, struct error *e);

/* Cosine of two vectors of unit length: their dot product. */
double embedding_cosine(const float *a, const float *b, size_t n);

#endif
