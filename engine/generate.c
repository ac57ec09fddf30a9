/* generate.c - the loop of feed, sample, print.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "engine/session.h"

const char *stop_name(enum stop_reason r)
{
    static const char *const names[] = {"length", "eos", "context", "interrupt"};
    return names[r];
}

/* Bytes of tokens that do not yet make whole characters, carried to the next token. Both a token and a left-over are short. */
struct stream {
    char *pending;
    size_t n, capacity;
};

static bool stream_put(struct stream *p, const char *bytes, size_t n, const struct generate_options *o, struct error *e)
{
    if (!o->text || !n) return true;
    char *grown = memory_grow(p->pending, &p->capacity, p->n + n, 1);
    if (!grown) return fail(e, "text: found no memory for %zu bytes", p->n + n);
    p->pending = grown;
    memcpy(p->pending + p->n, bytes, n);
    p->n += n;
    size_t whole = utf8_complete(p->pending, p->n);
    if (!whole) return true;
    bool go_on = o->text(o->ctx, p->pending, whole);
    memmove(p->pending, p->pending + whole, p->n - whole);
    p->n -= whole;
    return go_on || fail(e, "text: the receiver stopped");
}

static bool stopped(const struct generate_options *o) { return o->interrupted && *o->interrupted; }

/* After the prompt: sample, hand out, feed, until something stops it. *first is when the first token was sampled, if one was.
 * */
static bool decode(struct session *s, const struct generate_options *o, struct sampler *sampler, struct stream *out,
                   struct generate_result *r, double *first, struct error *e)
{
    const struct tokenizer *t = s->model->tokenizer;
    r->stop = STOP_LENGTH;
    while (r->generated_tokens < o->max_tokens) {
        if (stopped(o)) {
            r->stop = STOP_INTERRUPT;
            break;
        }
        double picking = clock_now();
        int32_t id = sampler_pick(sampler, session_logits(s));
        double picked = clock_now();
        if (r->generated_tokens) r->sample_s += picked - picking;
        else *first = picked;
        if (!o->ignore_eos && t && token_ends_generation(t, id)) {
            r->stop = STOP_EOS;
            break;
        }
        sampler_accept(sampler, id);
        r->tokens[r->generated_tokens++] = id;
        if (t) {
            size_t len;
            const char *bytes = token_bytes(t, id, false, false, &len);
            if (!stream_put(out, bytes, len, o, e)) return false;
        }
        if (r->generated_tokens == o->max_tokens) break;
        if (s->kv->used == s->kv->capacity) {
            r->stop = STOP_CONTEXT;
            break;
        }
        if (!session_feed(s, &id, 1, PHASE_DECODE, NULL, NULL, e)) return false;
        r->decode_steps++;
    }
    /* What is left can never become a character now: hand it out as it is. */
    if (out->n && o->text && !o->text(o->ctx, out->pending, out->n)) return fail(e, "text: the receiver stopped");
    return true;
}

bool session_generate(struct session *s, const int32_t *prompt, size_t n, const struct generate_options *o,
                      struct generate_result *r, struct error *e)
{
    memset(r, 0, sizeof *r);
    if (!n) return fail(e, "prompt: found no tokens, expected at least one");
    struct sampler *sampler = sampler_new(&o->sample, s->model->hp.n_vocab, e);
    if (!sampler) return false;
    struct stream out = {0};
    /* A context bounds what can be generated, whatever was asked for. */
    size_t room = s->kv->capacity - s->kv->used + 1;
    r->tokens = malloc((o->max_tokens < room ? o->max_tokens : room) * sizeof *r->tokens + sizeof *r->tokens);
    bool ok = r->tokens || fail(e, "generation of %zu tokens: found no memory", o->max_tokens);
    if (ok) {
        for (size_t i = 0; i < n; i++)
            if (prompt[i] >= 0) sampler_accept(sampler, prompt[i]); /* a picture repeats no word */
        size_t before = s->kv->used;
        double start = clock_now();
        ok = session_feed(s, prompt, n, PHASE_PREFILL, o->prefill_progress, o->ctx, e);
        r->prefill_s = clock_now() - start;
        r->prompt_tokens = s->kv->used - before;
        if (!ok && stopped(o)) {
            r->stop = STOP_INTERRUPT;
            ok = true;
        } else if (ok) {
            double first = NAN;
            ok = decode(s, o, sampler, &out, r, &first, e);
            r->decode_s = isnan(first) ? 0 : clock_now() - first;
        }
    }
    free(out.pending);
    sampler_free(sampler);
    return ok;
}

void generate_result_free(struct generate_result *r)
{
    free(r->tokens);
    r->tokens = NULL;
}
