/* SPDX-License-Identifier: MIT */
#include "engine/embed.h"

#include <math.h>
#include <stdlib.h>

struct embedder {
    struct session *session;
    struct tokens ids;
};

struct embedder *embedder_new(const struct model *m, const struct embed_options *o, struct error *e)
{
    struct embedder *s = calloc(1, sizeof *s);
    struct session_options so = {.n_ctx = (size_t)m->hp.n_ctx_train,
                                 .kv_type = TYPE_F16,
                                 .threads = o->threads,
                                 .exact = o->exact,
                                 .embed = true};
    if (!s) fail(e, "encoder: found no memory");
    if (s && (s->session = session_new(m, &so, e))) return s;
    free(s);
    return NULL;
}

void embedder_free(struct embedder *s)
{
    if (!s) return;
    session_free(s->session);
    tokens_free(&s->ids);
    free(s);
}

size_t embedder_width(const struct embedder *s) { return (size_t)s->session->model->hp.n_embd; }

/* To length 1. */
static bool normalise(const float *from, float *to, size_t n, struct error *e)
{
    double length = sqrt(embedding_cosine(from, from, n));
    if (!(length > 0 && length < (double)INFINITY))
        return fail(e, "embedding: found a vector of length %g, expected a number above 0", fabs(length));
    for (size_t i = 0; i < n; i++) to[i] = (float)((double)from[i] / length);
    return true;
}

bool embed(struct embedder *s, const char *text, size_t len, float *out, struct embedded *r, struct error *e)
{
    const struct model *m = s->session->model;
    size_t most = s->session->options.n_ctx;
    s->ids.n = 0;
    if (!tokenize(m->tokenizer, text, len, TOKENIZE_ADD_SPECIAL, &s->ids, e)) return false;
    r->cut = s->ids.n > most ? s->ids.n - most : 0;
    r->tokens = s->ids.n - r->cut;
    if (r->cut) s->ids.id[most - 1] = s->ids.id[s->ids.n - 1]; /* the mark that ends a text */
    session_reset(s->session);
    return session_feed(s->session, s->ids.id, r->tokens, PHASE_PREFILL, NULL, NULL, e) &&
           normalise(session_logits(s->session), out, embedder_width(s), e);
}

double embedding_cosine(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}
