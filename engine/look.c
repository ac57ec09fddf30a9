/* SPDX-License-Identifier: MIT */
#include "engine/look.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/si.h"
#include "engine/account/tower_price.h"

static const char pad[] = "<|image_pad|>", mark[] = "<|vision_start|><|image_pad|><|vision_end|>";

/* A picture as the tower is to see it. */
struct sight {
    char *path;
    struct preprocessed p;
};

/* Prices the picture and refuses it where that shows that it can't be. */
static bool price(struct sight *s, const struct tower *t, const struct look_options *o, struct looked *looked, struct error *e)
{
    struct prediction r;
    if (!tower_predict(&r, t, o->device, t->options.threads, &s->p.fit, e)) return false;
    bool ok = tower_afford(t, &s->p.fit, &r, o->max_seconds, e);
    looked->predicted_s += r.time_s;
    looked->predicted_j += r.energy_j;
    if (ok && o->max_seconds > 0 && looked->predicted_s > o->max_seconds)
        ok = fail(e, "found %.3g s predicted with the pictures before it, expected at most %g s; a clamp makes it smaller",
                  looked->predicted_s, o->max_seconds);
    char time[32] = "no time";
    if (!isnan(r.time_s)) snprintf(time, sizeof time, "%s", si(r.time_s, "s").s);
    if (ok && o->say)
        o->say("%s: its tower: %s, %s of memory, %s predicted", s->path, si(r.flops, "FLOP").s, si(r.peak_memory_bytes, "B").s,
               time);
    prediction_free(&r);
    return ok;
}

/* Reads the picture; n_tokens: of those before it. */
static bool prepare(struct sight *s, size_t *n_tokens, const struct tower *t, const struct look_options *o,
                    struct looked *looked, struct error *e)
{
    char line[CLAMP_LINE];
    if (!preprocess(s->path, o->clamp, &t->mmproj->keys, &s->p, e)) return false;
    looked->read_s += s->p.decode_s + s->p.resize_s;
    if ((size_t)s->p.fit.tokens + *n_tokens > o->max_tokens)
        return fail(e,
                    "%s: found %lld tokens after %zu of other pictures, expected at most %zu as the context has; a clamp makes "
                    "it smaller",
                    s->path, (long long)s->p.fit.tokens, *n_tokens, o->max_tokens);
    *n_tokens += (size_t)s->p.fit.tokens;
    clamp_line(&s->p.clamp, &s->p.fit, line);
    if (o->say) o->say("%s: %s", s->path, line);
    return price(s, t, o, looked, e) || fail_in(e, s->path);
}

static bool encode(struct album *a, struct tower *t, const struct sight *s, struct looked *looked, struct error *e)
{
    struct seen seen = {0};
    bool ok = tower_encode(t, &s->p, &seen, e) && album_add(a, seen.nx, seen.ny, seen.n_embd, seen.rows, e);
    looked->vision_s += seen.encode_s;
    seen_free(&seen);
    return ok || fail_in(e, s->path);
}

/* Whether the model takes pictures at all. */
static bool takes_pictures(const struct model *m, struct error *e)
{
    if (!m->arch->sections)
        return fail(e, "metadata 'general.architecture': found '%s', expected one with vision, as qwen2vl", m->arch->name);
    if (m->tokenizer && token_find(m->tokenizer, pad, strlen(pad)) < 0)
        return fail(e, "metadata 'tokenizer.ggml.tokens': found no %s, expected one in a model with vision", pad);
    return true;
}

bool look_fits(const struct model *m, const struct tower *t, struct error *e)
{
    if (!takes_pictures(m, e)) return false;
    return t->mmproj->n_out == m->hp.n_embd || fail(e, "%s: found embeddings of %d, expected %d as the model's",
                                                    t->mmproj->model.file->path, t->mmproj->n_out, m->hp.n_embd);
}

bool look(struct album *a, const struct model *m, const struct look_options *o, struct looked *looked, struct error *e)
{
    struct looked sums = {0, 0, 0, 0};
    if (!takes_pictures(m, e)) return false; /* before the tower is read in */
    struct tower *t = tower_open(o->mmproj, &(struct tower_options){.threads = o->threads, .exact = o->exact}, e);
    if (!t) return false;
    size_t most = strlen(o->images) / 2 + 1, n = 0, n_tokens = a->n_rows;
    struct sight *sights = calloc(most, sizeof *sights);
    char *paths = strdup(o->images), *rest = NULL;
    bool ok = look_fits(m, t, e) && ((paths && sights) || fail(e, "pictures: found no memory for their names"));
    for (char *path = ok ? strtok_r(paths, ",", &rest) : NULL; ok && path; path = strtok_r(NULL, ",", &rest)) {
        sights[n].path = path;
        ok = prepare(&sights[n++], &n_tokens, t, o, &sums, e);
    }
    for (size_t i = 0; ok && i < n; i++) ok = encode(a, t, &sights[i], &sums, e);
    if (looked) *looked = sums;
    for (size_t i = 0; i < n; i++) preprocessed_free(&sights[i].p);
    free(sights);
    free(paths);
    tower_free(t);
    return ok;
}

char *look_mark(const char *text, size_t n)
{
    if (strstr(text, pad)) n = 0;
    char *out = malloc(n * (sizeof mark - 1) + strlen(text) + 1);
    for (size_t i = 0; out && i < n; i++) memcpy(out + i * (sizeof mark - 1), mark, sizeof mark - 1);
    if (out) strcpy(out + n * (sizeof mark - 1), text);
    return out;
}

bool look_place(const struct tokenizer *t, const struct album *a, struct tokens *ids, struct error *e)
{
    int32_t place = token_find(t, pad, strlen(pad));
    struct tokens out = {0};
    size_t found = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < ids->n; i++) {
        if (ids->id[i] != place)
            ok = tokens_push(&out, ids->id[i]);
        else if (found++ < a->n)
            ok = album_push(a, found - 1, &out);
    }
    if (!ok)
        fail(e, "prompt: found no memory for its pictures");
    else if (found != a->n)
        ok = fail(e, "prompt: found %zu %s, expected %zu, one a picture", found, pad, a->n);
    tokens_free(ok ? ids : &out);
    if (ok) *ids = out;
    return ok;
}
