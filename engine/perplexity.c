/* SPDX-License-Identifier: MIT */
#include "engine/perplexity.h"

#include <math.h>

struct score {
    const int32_t *ids; /* of the chunk */
    size_t context;
    int n_vocab;
    double sum, sum_squares;
    size_t n;
};

/* In double: a sum over 262,144 floats loses digits that the third decimal shows. */
double log_sum_exp(const float *logits, int n)
{
    float max = logits[0];
    for (int i = 1; i < n; i++)
        if (logits[i] > max) max = logits[i];
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)expf(logits[i] - max);
    return (double)max + log(sum);
}

static bool score_row(void *ctx, size_t index, const float *logits)
{
    struct score *s = ctx;
    if (index + 1 >= s->context) return true;
    double nll = log_sum_exp(logits, s->n_vocab) - (double)logits[s->ids[index + 1]];
    s->sum += nll;
    s->sum_squares += nll * nll;
    s->n++;
    return true;
}

bool perplexity_chunks(const struct tokenizer *t, const char *text, size_t len, size_t context, size_t max_chunks,
                       struct tokens *ids, size_t *chunks, struct error *e)
{
    if (!tokenize(t, text, len, TOKENIZE_ADD_SPECIAL, ids, e)) return false;
    *chunks = ids->n / context;
    if (max_chunks && *chunks > max_chunks) *chunks = max_chunks;
    if (!*chunks) return fail(e, "text: found %zu tokens, expected at least one chunk of %zu", ids->n, context);
    for (size_t c = 0; c < *chunks; c++)
        if (t->add_bos && t->bos >= 0) ids->id[c * context] = t->bos;
    return true;
}

bool perplexity_run(struct session *s, const char *text, size_t len, size_t context, size_t max_chunks,
                    bool (*progress)(void *ctx, size_t chunk, size_t chunks, double running), void *ctx, struct perplexity *out,
                    struct error *e)
{
    struct tokens ids = {0};
    size_t chunks = 0;
    if (!perplexity_chunks(s->model->tokenizer, text, len, context, max_chunks, &ids, &chunks, e)) {
        tokens_free(&ids);
        return false;
    }
    struct score score = {.context = context, .n_vocab = s->model->hp.n_vocab};
    bool ok = true;
    for (size_t c = 0; ok && c < chunks; c++) {
        const int32_t *chunk = score.ids = ids.id + c * context;
        session_reset(s);
        ok = session_feed_all(s, chunk, context, context / 2, score_row, &score, e);
        if (ok && progress && !progress(ctx, c + 1, chunks, exp(score.sum / (double)score.n)))
            ok = fail(e, "interrupted after chunk %zu of %zu", c + 1, chunks);
    }
    tokens_free(&ids);
    if (!ok) return false;
    double n = (double)score.n, mean = score.sum / n, of_mean = (score.sum_squares / n - mean * mean) / (n - 1);
    *out = (struct perplexity){.perplexity = exp(mean),
                               .standard_error = n > 1 ? exp(mean) * sqrt(of_mean > 0 ? of_mean : 0) : NAN,
                               .nll = mean,
                               .tokens = score.n,
                               .chunks = chunks,
                               .context = context};
    return true;
}
