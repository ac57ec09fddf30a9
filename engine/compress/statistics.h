/* statistics.h - what the inputs of a model's linear layers look like on a text: C = E[x x^T], the mean, the diagonal.
 *
 * The text is cut into sequences, and all of them go through layer 0, then all through layer 1, and so on, as rows of a
 * residual stream that stays in memory. So one layer's sums are held at a time, however large the model: a callback sees them
 * once a layer, and takes from them what it needs. What runs is the model's own plan, cut down to the layer (plan_part.h).
 *
 *   struct calibration c;
 *   if (calibration_read(&c, model, text, len, 512, 0, &e))
 *       ok = statistics_run(model, &c, &(struct statistics_options){.threads = n}, each_layer, ctx, &e);
 *   calibration_free(&c);
 *
 * Token weights: where an architecture norms what attn_output and ffn_down give (Gemma), an error in a token's output counts by
 * its share of that output. So the inputs of these two are summed with w = 1 / mean(y^2) of the token's output y, elsewhere
 * with w = 1. All sums are divided by the sum of w. SPDX-License-Identifier: MIT */
#ifndef HARTREE_STATISTICS_H
#define HARTREE_STATISTICS_H

#include "engine/compress/moments.h"
#include "engine/plan.h"

/* A text as sequences of `context` ids, each as if it stood alone; the first is the BOS where the vocabulary adds one. */
struct calibration {
    int32_t *id; /* sequences x context, owned */
    size_t sequences, context;
};

/* As many whole sequences as the text has, of about `tokens` at most (0: all). False and *e where it has not one. */
bool calibration_read(struct calibration *c, const struct model *m, const char *text, size_t len, size_t context, size_t tokens,
                      struct error *e);
void calibration_free(struct calibration *c);

/* The inputs of a layer, each with the linear layers that read it. */
enum statistics_site {
    SITE_QKV,    /* attn_q, attn_k, attn_v */
    SITE_OUTPUT, /* attn_output */
    SITE_GATE_UP,/* ffn_gate, ffn_up */
    SITE_DOWN,   /* ffn_down */
    SITE_COUNT
};
enum { SITE_MAX_ROLES = 3 };
/* The roles of a site, "attn_q" first; NULL ends them where there are fewer than SITE_MAX_ROLES. */
extern const char *const site_roles[SITE_COUNT][SITE_MAX_ROLES];

/* By how much the FFN's hidden units act(gate) * up change with their gate, and with their up. */
enum statistics_slope { SLOPE_GATE, SLOPE_UP, SLOPE_COUNT };

/* What the callback gets; all of it borrowed, and gone when it returns. */
struct statistics_layer {
    int layer, n_layers;
    const struct calibration *calibration;
    const float *before, *after; /* the residual stream: a row of n_embd floats for each id, into this layer and out of it */
    const struct moments *input[SITE_COUNT]; /* divided by the sum of weights, both halves filled in */
    const struct moments *slope[SLOPE_COUNT]; /* means of w slope^2 as `square`, with the w of ffn_down's inputs; or NULL */
    struct pool *pool;                       /* idle: the callback's to use */
};

/* Once a layer, in order. May set *next to a plan of a model of the same shape that stays valid until the following call: its
 * layer of this number is then run in the place of the original one to make the next layer's inputs (sequential calibration).
 * False and *e stop the run. */
typedef bool statistics_fn(void *ctx, const struct statistics_layer *s, const struct plan **next, struct error *e);

struct statistics_options {
    int threads;     /* 0: pool_default_threads() */
    bool diagonal;   /* `second` is NULL: means and squares alone, in little memory and time */
    bool slopes;     /* of the FFN's hidden units, too */
    bool unweighted; /* every token counts alike, whatever the architecture */
    int first;       /* layers before this one are run but not summed up nor called for: to go on with interrupted work */
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* NULL, or called with sequences of layers done and in all */
    void *progress_ctx;
    const volatile int *stop; /* NULL, or ends the run with an error once it is not 0 */
};

/* False and *e: no memory, a sum that is not finite, a stop, or what the callback says. */
bool statistics_run(const struct model *m, const struct calibration *c, const struct statistics_options *o, statistics_fn *fn,
                    void *ctx, struct error *e);

#endif
