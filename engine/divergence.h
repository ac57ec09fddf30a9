/* divergence.h - how far a model's predictions are from those of the model that it was made from, on a text.
 *
 * Chunks and scored positions are those of perplexity.h, so that both perplexities are what `ppl` says of each model. At each
 * scored position the two distributions over the vocabulary are compared: KL(original || other) = sum_i p_i ln(p_i / q_i), in
 * nats. Errors are standard errors over positions; that of the difference of the log-likelihoods is of the pairs, which is far
 * smaller than either model's own. Both models must have the same tokens, each with its text, type and id.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_DIVERGENCE_H
#define HARTREE_DIVERGENCE_H

#include "base/json.h"
#include "engine/session.h"

struct divergence_options {
    size_t context;                                           /* tokens a chunk; 0: 512 */
    size_t max_chunks;                                        /* 0: all of the text */
    enum type kv_type;                                        /* F32 where nothing is said */
    int threads;                                              /* 0: pool_default_threads() */
    bool (*progress)(void *ctx, size_t chunk, size_t chunks); /* NULL, or called after each chunk; false stops with an error */
    void *ctx;
};

struct divergence {
    double original, original_error;   /* perplexity and its standard error */
    double perplexity, error;          /* of the other model */
    double log_ratio, log_ratio_error; /* mean of ln p(token) - ln q(token); exp of it is the ratio of the perplexities */
    double kl, kl_error;               /* mean over positions, nats a token */
    double same_top;                   /* share of positions at which both hold the same token for the likeliest */
    size_t tokens, chunks, context;    /* positions scored */
};

/* Runs both models side by side, a step of each in turn: memory is a session of each, with 128 rows of logits at most.
 * False and *e: the vocabularies differ, the text is shorter than a chunk, memory is short, or progress stopped it. */
bool divergence_run(const struct model *original, const struct model *other, const char *text, size_t len,
                    const struct divergence_options *o, struct divergence *out, struct error *e);

/* Its figures as members of the object that is open: "perplexity", "stderr", "nll", "original_perplexity", "original_stderr",
 * "ratio", "log_ratio", "log_ratio_stderr", "kl", "kl_stderr", "same_top", "tokens", "chunks", "context". */
void json_put_divergence(struct json *j, const struct divergence *d);

#endif
