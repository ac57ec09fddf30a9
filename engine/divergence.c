/* SPDX-License-Identifier: MIT */
#include "engine/divergence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/perplexity.h"

enum { STEP_ROWS = 128 }; /* of logits at once, as `ppl` takes: the same steps give the same bits */

/* What is known of one position. */
struct score {
    double original, other; /* -ln of the probability of the token that follows */
    double kl;
    bool same_top;
};

/* The text as whole chunks, and who is asked about it. */
struct comparison {
    struct divergence_options options;
    struct tokens ids;
    size_t chunks, scored;        /* scored: positions a chunk, the last ones but one of it */
    const struct model *model[2]; /* the original, the other */
};

/* ---- One position ---- */

static int32_t likeliest(const float *logits, int n)
{
    int32_t best = 0;
    for (int32_t i = 1; i < n; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

static void compare_rows(struct score *s, const float *p, const float *q, int n_vocab, int32_t next)
{
    double lse_p = log_sum_exp(p, n_vocab), lse_q = log_sum_exp(q, n_vocab), shift = lse_q - lse_p, sum = 0;
    for (int i = 0; i < n_vocab; i++)
        sum += (double)expf((float)((double)p[i] - lse_p)) * ((double)p[i] - (double)q[i] + shift);
    *s = (struct score){lse_p - (double)p[next], lse_q - (double)q[next], sum, likeliest(p, n_vocab) == likeliest(q, n_vocab)};
}

/* ---- All of them ---- */

/* The logits of one step, to be compared on all threads. */
struct block {
    struct pool *pool;
    const float *p, *q; /* of the original and the other */
    const int32_t *next;
    size_t rows;
    int n_vocab;
    struct score *scores;
};

static void look_at_rows(void *ctx, int thread)
{
    (void)thread;
    const struct block *b = ctx;
    for (size_t r; (r = pool_chunk(b->pool)) < b->rows;)
        compare_rows(&b->scores[r], b->p + r * (size_t)b->n_vocab, b->q + r * (size_t)b->n_vocab, b->n_vocab, b->next[r]);
}

static bool any_row(void *ctx, size_t index, const float *logits)
{
    (void)ctx, (void)index, (void)logits;
    return true;
}

/* Feeds a step whose logits are all wanted; they then stand at session_logits. */
static bool feed_step(struct session *s, const int32_t *ids, size_t n, struct error *e)
{
    return session_feed_all(s, ids, n, 0, any_row, NULL, e);
}

static bool feed_start(struct session *s, const int32_t *ids, size_t n, struct error *e)
{
    session_reset(s);
    return session_feed_all(s, ids, n, n, any_row, NULL, e);
}

/* One chunk through both sessions. */
static bool run_chunk(const struct comparison *r, size_t chunk, struct session *p, struct session *q, struct score *scores,
                      struct error *e)
{
    size_t context = r->options.context, first = context / 2, step = p->options.n_out;
    if (q->options.n_out < step) step = q->options.n_out;
    const int32_t *ids = r->ids.id + chunk * context;
    bool ok = feed_start(p, ids, first, e) && feed_start(q, ids, first, e);
    for (size_t at = first, n; ok && at < context; at += n) {
        n = context - at < step ? context - at : step;
        ok = feed_step(p, ids + at, n, e) && feed_step(q, ids + at, n, e);
        size_t place = at - first;
        struct block b = {.pool = p->pool,
                          .p = session_logits(p),
                          .q = session_logits(q),
                          .next = ids + at + 1,
                          .rows = place + n > r->scored ? r->scored - place : n,
                          .n_vocab = r->model[0]->hp.n_vocab,
                          .scores = scores + place};
        if (ok) pool_run(b.pool, look_at_rows, &b);
    }
    return ok;
}

/* A mean and its standard error, summed in one go. */
struct mean {
    double sum, squares;
};

static void mean_add(struct mean *m, double v)
{
    m->sum += v;
    m->squares += v * v;
}

static double mean_error(const struct mean *m, double n)
{
    double mean = m->sum / n, of_mean = (m->squares / n - mean * mean) / (n - 1);
    return n > 1 ? sqrt(of_mean > 0 ? of_mean : 0) : NAN;
}

static void sum_up(const struct comparison *r, const struct score *scores, struct divergence *out)
{
    struct mean original = {0}, other = {0}, ratio = {0}, kl = {0};
    size_t count = r->chunks * r->scored, same = 0;
    double n = (double)count;
    for (size_t i = 0; i < count; i++) {
        mean_add(&original, scores[i].original);
        mean_add(&other, scores[i].other);
        mean_add(&ratio, scores[i].other - scores[i].original);
        mean_add(&kl, scores[i].kl);
        same += scores[i].same_top;
    }
    *out = (struct divergence){.original = exp(original.sum / n),
                               .perplexity = exp(other.sum / n),
                               .log_ratio = ratio.sum / n,
                               .log_ratio_error = mean_error(&ratio, n),
                               .kl = kl.sum / n,
                               .kl_error = mean_error(&kl, n),
                               .same_top = (double)same / n,
                               .tokens = count,
                               .chunks = r->chunks,
                               .context = r->options.context};
    out->original_error = out->original * mean_error(&original, n);
    out->error = out->perplexity * mean_error(&other, n);
}

static struct session *begin(const struct comparison *r, const struct model *m, struct error *e)
{
    const struct divergence_options *o = &r->options;
    struct session_options so = {.n_ctx = o->context, .n_out = STEP_ROWS, .kv_type = o->kv_type, .threads = o->threads};
    return session_new(m, &so, e);
}

/* The other model's logits are compared token by token, and it is fed the original's ids. */
static bool same_vocabulary(const struct model *original, const struct model *other, struct error *e)
{
    char expected[SHA256_HEX], tokens[SHA256_HEX];
    if (other->hp.n_vocab != original->hp.n_vocab)
        return fail(e, "vocabulary: found %d tokens, expected %d as the original has", other->hp.n_vocab, original->hp.n_vocab);
    tokenizer_digest(original->tokenizer, expected);
    tokenizer_digest(other->tokenizer, tokens);
    return !strcmp(tokens, expected) ||
           fail(e, "vocabulary: found tokens of sha256 %.12s..., expected the original's, %.12s...", tokens, expected);
}

/* Runs all chunks through both. */
static bool run_all(const struct comparison *r, struct divergence *out, struct error *e)
{
    struct score *scores = calloc(r->chunks * r->scored, sizeof *scores);
    if (!scores) return fail(e, "text: found no memory for %zu positions", r->chunks * r->scored);
    struct session *p = begin(r, r->model[0], e), *q = p ? begin(r, r->model[1], e) : NULL;
    bool ok = q;
    for (size_t c = 0; ok && c < r->chunks; c++) {
        ok = run_chunk(r, c, p, q, scores + c * r->scored, e);
        if (ok && r->options.progress && !r->options.progress(r->options.ctx, c + 1, r->chunks))
            ok = fail(e, "interrupted after chunk %zu of %zu", c + 1, r->chunks);
    }
    if (ok) sum_up(r, scores, out);
    session_free(p);
    session_free(q);
    free(scores);
    return ok;
}

bool divergence_run(const struct model *original, const struct model *other, const char *text, size_t len,
                    const struct divergence_options *o, struct divergence *out, struct error *e)
{
    struct comparison r = {.options = *o, .model = {original, other}};
    if (!r.options.context) r.options.context = 512;
    r.scored = r.options.context - r.options.context / 2 - 1;
    bool ok = (r.scored > 0 || fail(e, "context: found %zu tokens, expected 3 or more", r.options.context)) &&
              perplexity_chunks(original->tokenizer, text, len, r.options.context, o->max_chunks, &r.ids, &r.chunks, e) &&
              same_vocabulary(original, other, e) && run_all(&r, out, e);
    tokens_free(&r.ids);
    return ok;
}

void json_put_divergence(struct json *j, const struct divergence *d)
{
    json_put_number(j, "perplexity", d->perplexity);
    json_put_number(j, "stderr", d->error);
    json_put_number(j, "nll", log(d->perplexity));
    json_put_number(j, "original_perplexity", d->original);
    json_put_number(j, "original_stderr", d->original_error);
    json_put_number(j, "ratio", exp(d->log_ratio));
    json_put_number(j, "log_ratio", d->log_ratio);
    json_put_number(j, "log_ratio_stderr", d->log_ratio_error);
    json_put_number(j, "kl", d->kl);
    json_put_number(j, "kl_stderr", d->kl_error);
    json_put_number(j, "same_top", d->same_top);
    json_put_integer(j, "tokens", (int64_t)d->tokens);
    json_put_integer(j, "chunks", (int64_t)d->chunks);
    json_put_integer(j, "context", (int64_t)d->context);
}
