/* SPDX-License-Identifier: MIT */
#include "engine/divergence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/perplexity.h"

enum {
    STEP_ROWS = 128, /* of logits at once, as `ppl` takes: the same steps give the same bits */
    KEPT = 256,      /* tokens of a remembered distribution */
};

/* What is known of one position. */
struct score {
    double original, other; /* -ln of the probability of the token that follows */
    double kl;
    bool same_top;
};

/* A remembered position. */
struct kept_row {
    double nll;
    int32_t id[KEPT], top; /* in no order; the likeliest */
    float log_p[KEPT];
};

struct divergence_reference {
    struct divergence_options options;
    struct tokens ids;
    size_t chunks, scored; /* scored: positions a chunk, the last ones but one of it */
    int n_vocab;
    char tokens[SHA256_HEX]; /* of the original's vocabulary */
    struct kept_row *rows;   /* chunks * scored; NULL: nothing is remembered */
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

static int kept_of(int n_vocab)
{
    return n_vocab < KEPT ? n_vocab : KEPT;
}

static void compare_kept(struct score *s, const struct kept_row *kept, const float *q, int n_vocab, int32_t next)
{
    double lse_q = log_sum_exp(q, n_vocab), sum = 0, rest_p = 1, rest_q = 1;
    for (int k = 0; k < kept_of(n_vocab); k++) {
        double log_q = (double)q[kept->id[k]] - lse_q, part = exp((double)kept->log_p[k]);
        sum += part * ((double)kept->log_p[k] - log_q);
        rest_p -= part;
        rest_q -= exp(log_q);
    }
    /* A rest that is next to nothing is rounding. */
    if (n_vocab > KEPT && rest_p > 1e-6) sum += rest_p * log(rest_p / fmax(rest_q, 1e-9));
    *s = (struct score){kept->nll, lse_q - (double)q[next], sum, kept->top == likeliest(q, n_vocab)};
}

/* Puts id[i] where it belongs in a heap whose top is the least likely. */
static void sift(int32_t *id, int n, int i, const float *p)
{
    for (int child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && p[id[child + 1]] < p[id[child]]) child++;
        if (p[id[i]] <= p[id[child]]) return;
        int32_t moved = id[i];
        id[i] = id[child], id[child] = moved;
    }
}

static void keep_row(struct kept_row *kept, const float *p, int n_vocab, int32_t next)
{
    double lse = log_sum_exp(p, n_vocab);
    int n = kept_of(n_vocab);
    for (int i = 0; i < n; i++) kept->id[i] = i;
    for (int i = n / 2 - 1; i >= 0; i--) sift(kept->id, n, i, p);
    for (int i = n; i < n_vocab; i++)
        if (p[i] > p[kept->id[0]]) kept->id[0] = i, sift(kept->id, n, 0, p);
    for (int i = 0; i < n; i++) kept->log_p[i] = (float)((double)p[kept->id[i]] - lse);
    kept->nll = lse - (double)p[next];
    kept->top = likeliest(p, n_vocab);
}

/* ---- All of them ---- */

/* The logits of one step, to be looked at on all threads. */
struct block {
    struct pool *pool;
    const float *p, *q;    /* of the original and the other; either may be NULL */
    struct kept_row *kept; /* filled from p, or compared with q; NULL: p and q are compared */
    const int32_t *next;
    size_t rows;
    int n_vocab;
    struct score *scores;
};

static void look_at_rows(void *ctx, int thread)
{
    (void)thread;
    const struct block *b = ctx;
    for (size_t r; (r = pool_chunk(b->pool)) < b->rows;) {
        const float *p = b->p ? b->p + r * (size_t)b->n_vocab : NULL, *q = b->q ? b->q + r * (size_t)b->n_vocab : NULL;
        if (!q)
            keep_row(&b->kept[r], p, b->n_vocab, b->next[r]);
        else if (b->kept)
            compare_kept(&b->scores[r], &b->kept[r], q, b->n_vocab, b->next[r]);
        else
            compare_rows(&b->scores[r], p, q, b->n_vocab, b->next[r]);
    }
}

static bool any_row(void *ctx, size_t index, const float *logits)
{
    (void)ctx, (void)index, (void)logits;
    return true;
}

/* Feeds a step whose logits are all wanted; they then stand at session_logits. NULL: there is no such model in this run. */
static bool feed_step(struct session *s, const int32_t *ids, size_t n, struct error *e)
{
    return !s || session_feed_all(s, ids, n, 0, any_row, NULL, e);
}

static bool feed_start(struct session *s, const int32_t *ids, size_t n, struct error *e)
{
    if (!s) return true;
    session_reset(s);
    return session_feed_all(s, ids, n, n, any_row, NULL, e);
}

/* One chunk through the sessions that there are. */
static bool run_chunk(const struct divergence_reference *r, size_t chunk, struct session *p, struct session *q,
                      struct score *scores, struct error *e)
{
    size_t context = r->options.context, first = context / 2, step = (p ? p : q)->options.n_out;
    if (q && q->options.n_out < step) step = q->options.n_out;
    const int32_t *ids = r->ids.id + chunk * context;
    bool ok = feed_start(p, ids, first, e) && feed_start(q, ids, first, e);
    for (size_t at = first, n; ok && at < context; at += n) {
        n = context - at < step ? context - at : step;
        ok = feed_step(p, ids + at, n, e) && feed_step(q, ids + at, n, e);
        size_t place = at - first;
        struct block b = {.pool = (p ? p : q)->pool,
                          .p = p ? session_logits(p) : NULL,
                          .q = q ? session_logits(q) : NULL,
                          .kept = r->rows ? r->rows + chunk * r->scored + place : NULL,
                          .next = ids + at + 1,
                          .rows = place + n > r->scored ? r->scored - place : n,
                          .n_vocab = r->n_vocab,
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

static void sum_up(const struct divergence_reference *r, const struct score *scores, struct divergence *out)
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

static struct session *begin(const struct divergence_reference *r, const struct model *m, struct error *e)
{
    const struct divergence_options *o = &r->options;
    struct session_options so = {.n_ctx = o->context, .n_out = STEP_ROWS, .kv_type = o->kv_type, .threads = o->threads};
    return session_new(m, &so, e);
}

/* The other model's logits are compared token by token, and it is fed the original's ids. */
static bool same_vocabulary(const struct divergence_reference *r, const struct model *other, struct error *e)
{
    char tokens[SHA256_HEX];
    if (other->hp.n_vocab != r->n_vocab)
        return fail(e, "vocabulary: found %d tokens, expected %d as the original has", other->hp.n_vocab, r->n_vocab);
    tokenizer_digest(other->tokenizer, tokens);
    return !strcmp(tokens, r->tokens) ||
           fail(e, "vocabulary: found tokens of sha256 %.12s..., expected the original's, %.12s...", tokens, r->tokens);
}

/* Runs all chunks through whichever of the two models is given. */
static bool run_all(const struct divergence_reference *r, const struct model *original, const struct model *other,
                    struct divergence *out, struct error *e)
{
    if (other && !same_vocabulary(r, other, e)) return false;
    struct score *scores = calloc(r->chunks * r->scored, sizeof *scores);
    if (!scores) return fail(e, "text: found no memory for %zu positions", r->chunks * r->scored);
    struct session *p = original ? begin(r, original, e) : NULL, *q = other ? begin(r, other, e) : NULL;
    bool ok = !original == !p && !other == !q;
    for (size_t c = 0; ok && c < r->chunks; c++) {
        ok = run_chunk(r, c, p, q, scores + c * r->scored, e);
        if (ok && r->options.progress && !r->options.progress(r->options.ctx, c + 1, r->chunks))
            ok = fail(e, "interrupted after chunk %zu of %zu", c + 1, r->chunks);
    }
    if (ok && out) sum_up(r, scores, out);
    session_free(p);
    session_free(q);
    free(scores);
    return ok;
}

/* The text as whole chunks. */
static struct divergence_reference *cut_text(const struct model *original, const char *text, size_t len,
                                             const struct divergence_options *o, struct error *e)
{
    struct divergence_reference *r = calloc(1, sizeof *r);
    if (!r) {
        fail(e, "text: found no memory");
        return NULL;
    }
    r->options = *o;
    r->n_vocab = original->hp.n_vocab;
    tokenizer_digest(original->tokenizer, r->tokens);
    if (!r->options.context) r->options.context = 512;
    r->scored = r->options.context - r->options.context / 2 - 1;
    bool ok = r->scored > 0 || fail(e, "context: found %zu tokens, expected 3 or more", r->options.context);
    ok = ok && perplexity_chunks(original->tokenizer, text, len, r->options.context, o->max_chunks, &r->ids, &r->chunks, e);
    if (ok) return r;
    divergence_forget(r);
    return NULL;
}

bool divergence_run(const struct model *original, const struct model *other, const char *text, size_t len,
                    const struct divergence_options *o, struct divergence *out, struct error *e)
{
    struct divergence_reference *r = cut_text(original, text, len, o, e);
    bool ok = r && run_all(r, original, other, out, e);
    divergence_forget(r);
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

struct divergence_reference *divergence_remember(const struct model *original, const char *text, size_t len,
                                                 const struct divergence_options *o, struct error *e)
{
    struct divergence_reference *r = cut_text(original, text, len, o, e);
    if (!r) return NULL;
    r->rows = calloc(r->chunks * r->scored, sizeof *r->rows);
    if (r->rows ? run_all(r, original, NULL, NULL, e)
                : fail(e, "text: found no memory for %zu positions", r->chunks * r->scored))
        return r;
    divergence_forget(r);
    return NULL;
}

bool divergence_from(const struct divergence_reference *r, const struct model *other, struct divergence *out, struct error *e)
{
    return run_all(r, NULL, other, out, e);
}

void divergence_forget(struct divergence_reference *r)
{
    if (!r) return;
    tokens_free(&r->ids);
    free(r->rows);
    free(r);
}
