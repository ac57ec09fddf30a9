/* session.h - a model that is being run: plan, buffers, cache and threads together.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SESSION_H
#define HARTREE_SESSION_H

#include "engine/album.h"
#include "engine/sample.h"

struct session_options {
    size_t n_ctx;      /* positions in the cache; 0: session_context_for(m, 0) */
    size_t n_batch;    /* rows a step in prefill; 0: 512 */
    size_t n_out;      /* logits rows a step at most; 0: 1 */
    enum type kv_type; /* F16 is the usual one; F32 (0) where nothing is said */
    int threads;       /* 0: pool_default_threads() */
    bool exact;        /* dequantised weights, f32 activations, f32 cache */
    bool profile;
    bool embed;        /* for embeddings of whole texts, by an encoder (embed.h); else for logits, by any other model */
    const struct album *album; /* pictures whose tokens prompts may hold; borrowed, may change between prompts; NULL: none */
};

struct session {
    struct session_options options; /* with the defaults filled in */
    const struct model *model;
    struct plan *plan;
    struct kv *kv;
    struct pool *pool;
    struct exec *exec;
    struct place *places;    /* of the tokens in the cache, n_ctx; NULL where the model knows none but positions */
    struct profile *profile; /* NULL unless asked for */
};

/* Positions to give a run that needs `wanted` of them (0: not known, 4096): no more than the model was trained on. */
size_t session_context_for(const struct model *m, size_t wanted);

/* NULL and *e if the model's plan can't be built or memory does not suffice. Borrows the model. */
struct session *session_new(const struct model *m, const struct session_options *o, struct error *e);
void session_free(struct session *s);
void session_reset(struct session *s); /* forgets all positions */

/* Bytes that the session's buffers and cache take. */
size_t session_bytes(const struct session *s);

/* Called between micro-batches: `done` of `total` tokens. Returning false stops. */
typedef bool session_progress(void *ctx, size_t done, size_t total);

/* Feeds tokens after those already there, in micro-batches. The logits of the last one are at session_logits. `phase` is what
 * the profile books them as: only the caller knows whether one token is a short prompt or a step of decoding. False and *e if
 * they don't fit in the context, an id is out of range, or the callback stopped it ("interrupted"). */
bool session_feed(struct session *s, const int32_t *tokens, size_t n, enum phase phase, session_progress *progress, void *ctx,
                  struct error *e);

/* The same for a prompt, handing the logits of every position in [first, n) to `row` in order; rows are valid during the call.
 * */
typedef bool session_row(void *ctx, size_t index, const float *logits);
bool session_feed_all(struct session *s, const int32_t *tokens, size_t n, size_t first, session_row *row, void *ctx,
                      struct error *e);

float *session_logits(struct session *s); /* n_vocab floats of the last token fed; may be changed by the caller */

/* ---- Generation ---- */

enum stop_reason { STOP_LENGTH, STOP_EOS, STOP_CONTEXT, STOP_INTERRUPT };
const char *stop_name(enum stop_reason r);

struct generate_options {
    size_t max_tokens;
    struct sample_params sample;
    bool ignore_eos;
    session_progress *prefill_progress; /* or NULL */
    /* Called with each piece of text, whole UTF-8 characters only; false stops. May be NULL. */
    bool (*text)(void *ctx, const char *bytes, size_t n);
    void *ctx;
    const volatile int *interrupted; /* nonzero stops cleanly; NULL */
};

struct generate_result {
    size_t prompt_tokens, generated_tokens;
    int32_t *tokens; /* generated; freed by generate_result_free */
    enum stop_reason stop;
    double prefill_s;
    /* Wall time from when the first token has been sampled to the end: steps, sampling, and what the text callback takes. The
     * first token's logits come from prefill, so that decode_steps tokens follow in this time. */
    double decode_s;
    double sample_s; /* of decode_s: choosing tokens, which no prediction covers */
    size_t decode_steps;
};

bool session_generate(struct session *s, const int32_t *prompt, size_t n, const struct generate_options *o,
                      struct generate_result *r, struct error *e);
void generate_result_free(struct generate_result *r);

#endif
