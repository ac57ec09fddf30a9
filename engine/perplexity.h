/* perplexity.h - how well a model predicts a text.
 *
 * Chunks and scoring are llama-perplexity's: the text's ids (BOS in front if the vocabulary asks for it, special tokens not
 * read) are cut into floor(n / context) chunks; in each the first id is replaced by BOS if the vocabulary adds one; the cache
 * starts empty; scored are the predictions made at positions context / 2 to context - 2. SPDX-License-Identifier: MIT */
#ifndef HARTREE_PERPLEXITY_H
#define HARTREE_PERPLEXITY_H

#include "engine/session.h"

struct perplexity {
    double perplexity;     /* exp of the mean negative log-likelihood */
    double standard_error; /* of it, by the delta method; NAN where one token was scored */
    double nll;                 /* the mean, in nats */
    size_t tokens, chunks, context;
};

/* Runs the text through a session whose n_ctx is at least `context`. `max_chunks` 0: all. `progress` may be NULL; returning
 * false from it stops with an error. False and *e if the text is shorter than one chunk. */
bool perplexity_run(struct session *s, const char *text, size_t len, size_t context, size_t max_chunks,
                    bool (*progress)(void *ctx, size_t chunk, size_t chunks, double running), void *ctx, struct perplexity *out,
                    struct error *e);

/* The parts of it. ln of the sum of exp over n logits: a token's negative log-likelihood is this less its logit. */
double log_sum_exp(const float *logits, int n);
/* The ids of a text's first `chunks` * `context` tokens, each chunk's first replaced as said above, into the empty *ids, which
 * the caller frees in any case. False and *e as perplexity_run. */
bool perplexity_chunks(const struct tokenizer *t, const char *text, size_t len, size_t context, size_t max_chunks,
                       struct tokens *ids, size_t *chunks, struct error *e);

#endif
