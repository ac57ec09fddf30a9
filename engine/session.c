/* SPDX-License-Identifier: MIT */
#include "engine/session.h"

#include <stdlib.h>

#include "base/memory.h"

enum { DEFAULT_CONTEXT = 4096, DEFAULT_BATCH = 512 };

size_t session_context_for(const struct model *m, size_t wanted)
{
    size_t trained = (size_t)m->hp.n_ctx_train;
    if (!wanted) wanted = DEFAULT_CONTEXT;
    return wanted < trained ? wanted : trained;
}

static void set_defaults(struct session_options *o, const struct model *m)
{
    if (!o->n_ctx) o->n_ctx = session_context_for(m, 0);
    if (!o->n_batch) o->n_batch = DEFAULT_BATCH;
    if (o->n_batch > o->n_ctx) o->n_batch = o->n_ctx;
    if (!o->n_out) o->n_out = 1;
    if (o->n_out > o->n_batch) o->n_out = o->n_batch;
    if (!o->threads) o->threads = pool_default_threads();
    if (o->exact) o->kv_type = TYPE_F32;
    if (o->embed) o->n_batch = o->n_ctx; /* a text is one step */
}

/* Whether the model is of the kind that the session is for, and as long. */
static bool suits(const struct model *m, const struct session_options *o, struct error *e)
{
    if (m->arch->encoder && !o->embed)
        fail(e, "metadata 'general.architecture': found '%s', an encoder, which makes no text; 'hartree embed' runs it",
             m->arch->name);
    else if (!m->arch->encoder && o->embed)
        fail(e, "metadata 'general.architecture': found '%s', expected an encoder of texts, as bert", m->arch->name);
    else if (o->embed && o->n_ctx > (size_t)m->hp.n_ctx_train)
        fail(e, "context of %zu tokens: found an encoder of %d positions", o->n_ctx, m->hp.n_ctx_train);
    else
        return true;
    return m->file && fail_in(e, m->file->path);
}

/* Refused before anything is allocated: an allocation that the system grants on credit would end in a kill much later. */
static bool fits(const struct session *s, struct error *e)
{
    const struct session_options *o = &s->options;
    uint64_t cache = kv_bytes(&s->model->hp, o->kv_type, o->n_ctx);
    uint64_t buffers = exec_bytes(s->plan, o->n_batch, o->n_out, o->n_ctx, o->threads), free_bytes = memory_available();
    if (cache <= free_bytes && buffers <= free_bytes - cache) return true;
    return fail(e, "context of %zu tokens: found %llu MB free, expected %llu MB for the %s cache and %llu MB for buffers",
                o->n_ctx, (unsigned long long)(free_bytes >> 20), (unsigned long long)(cache >> 20), type_name(o->kv_type),
                (unsigned long long)(buffers >> 20));
}

struct session *session_new(const struct model *m, const struct session_options *o, struct error *e)
{
    struct session *s = calloc(1, sizeof *s);
    if (!s) {
        fail(e, "session: found no memory");
        return NULL;
    }
    s->model = m;
    s->options = *o;
    set_defaults(&s->options, m);
    o = &s->options;
    s->plan = suits(m, o, e) ? plan_new(m, o->exact, e) : NULL;
    if (s->plan && o->embed && o->n_batch > s->plan->max_rows) {
        fail(e, "context of %zu tokens: found layers so wide that a step has at most %zu rows", o->n_batch, s->plan->max_rows);
        session_free(s);
        return NULL;
    }
    if (s->plan && o->n_batch > s->plan->max_rows) s->options.n_batch = s->plan->max_rows;
    if (o->n_out > o->n_batch) s->options.n_out = o->n_batch;
    if (s->plan && fits(s, e) && (s->kv = kv_new(&m->hp, o->kv_type, o->n_ctx, e)) &&
        (s->pool = pool_new(o->threads, e)) && (s->exec = exec_new(s->plan, s->kv, s->pool, o->n_batch, o->n_out, e)) &&
        (!o->profile || (s->profile = profile_new(s->plan, o->threads, e)))) {
        s->exec->profile = s->profile;
        if (!m->arch->sections || (s->places = memory_new(o->n_ctx * sizeof *s->places))) {
            s->exec->places = s->places;
            return s;
        }
        fail(e, "context of %zu tokens: found no memory for their places", o->n_ctx);
    }
    session_free(s);
    return NULL;
}

void session_free(struct session *s)
{
    if (!s) return;
    profile_free(s->profile);
    exec_free(s->exec);
    pool_free(s->pool);
    kv_free(s->kv);
    plan_free(s->plan);
    free(s->places);
    free(s);
}

void session_reset(struct session *s) { s->kv->used = 0; }

size_t session_bytes(const struct session *s)
{
    const struct session_options *o = &s->options;
    return kv_bytes(&s->model->hp, o->kv_type, o->n_ctx) + exec_bytes(s->plan, o->n_batch, o->n_out, o->n_ctx, o->threads);
}

static bool check_tokens(const struct session *s, const int32_t *tokens, size_t n, struct error *e)
{
    if (n > s->kv->capacity - s->kv->used)
        return fail(e, "prompt: found %zu tokens after %zu, expected at most %zu as the context has", n, s->kv->used,
                    s->kv->capacity);
    const struct album *a = s->places ? s->options.album : NULL;
    int32_t least = a ? -(int32_t)a->n_rows : 0;
    for (size_t i = 0; i < n; i++)
        if (tokens[i] < least || tokens[i] >= s->model->hp.n_vocab)
            return fail(e, "prompt: found token %d at place %zu, expected %d to %d", tokens[i], i, least,
                        s->model->hp.n_vocab - 1);
    return true;
}

/* Tells where n tokens stand that are to be fed, and where the album's rows lie by now. */
static void place_tokens(struct session *s, const int32_t *tokens, size_t n)
{
    size_t used = s->kv->used;
    if (s->options.album) s->exec->embeddings = s->options.album->rows;
    if (s->places) album_places(s->options.album, tokens, n, used ? s->places[used - 1].next : 0, s->places + used);
}

bool session_feed(struct session *s, const int32_t *tokens, size_t n, enum phase phase, session_progress *progress, void *ctx,
                  struct error *e)
{
    if (!check_tokens(s, tokens, n, e)) return false;
    place_tokens(s, tokens, n);
    s->exec->phase = phase;
    for (size_t done = 0; done < n;) {
        size_t rows = n - done < s->options.n_batch ? n - done : s->options.n_batch;
        uint32_t last = (uint32_t)rows - 1;
        exec_step(s->exec, tokens + done, rows, &last, done + rows == n);
        done += rows;
        if (progress && !progress(ctx, done, n) && done < n) return fail(e, "interrupted after %zu of %zu tokens", done, n);
    }
    return true;
}

bool session_feed_all(struct session *s, const int32_t *tokens, size_t n, size_t first, session_row *row, void *ctx,
                      struct error *e)
{
    if (!check_tokens(s, tokens, n, e)) return false;
    uint32_t *wanted = malloc(s->options.n_out * sizeof *wanted);
    if (!wanted) return fail(e, "logits of %zu positions: found no memory", n);
    bool ok = true;
    place_tokens(s, tokens, n);
    s->exec->phase = PHASE_PREFILL;
    for (size_t done = 0, rows; ok && done < n; done += rows) {
        /* Positions before `first` go in whole batches; those after it in batches whose logits fit. */
        size_t limit =
            done < first ? (first - done < s->options.n_batch ? first - done : s->options.n_batch) : s->options.n_out;
        rows = n - done < limit ? n - done : limit;
        size_t n_out = done < first ? 0 : rows;
        for (size_t i = 0; i < n_out; i++) wanted[i] = (uint32_t)i;
        const float *logits = exec_step(s->exec, tokens + done, rows, wanted, n_out);
        for (size_t i = 0; ok && i < n_out; i++)
            if (!row(ctx, done + i, logits + i * (size_t)s->model->hp.n_vocab))
                ok = fail(e, "interrupted at token %zu of %zu", done + i, n);
    }
    free(wanted);
    return ok;
}

float *session_logits(struct session *s) { return s->exec->buffer[s->plan->logits]; }
