/* SPDX-License-Identifier: MIT */
#include "engine/look.h"

#include <stdlib.h>
#include <string.h>

#include "engine/account/tower_price.h"

static const char pad[] = "<|image_pad|>", mark[] = "<|vision_start|><|image_pad|><|vision_end|>";

static bool predict_one(const struct tower *t, const struct clamped *fit, const struct look_options *o, struct looked *looked,
                        struct error *e)
{
    struct prediction r;
    if (!tower_predict(&r, t, o->device, t->options.threads, fit, e)) return false;
    looked->predicted_s += r.time_s;
    looked->predicted_j += r.energy_j;
    prediction_free(&r);
    return true;
}

static bool see_one(struct album *a, struct tower *t, const char *path, const struct look_options *o, struct looked *looked,
                    struct error *e)
{
    struct preprocessed p;
    struct seen seen = {0};
    char line[CLAMP_LINE];
    if (!preprocess(path, o->clamp, &t->mmproj->keys, &p, e)) return false;
    bool ok =
        (size_t)p.fit.tokens + a->n_rows <= o->max_tokens || fail(e,
                                                                  "%s: found %lld tokens after %zu of other pictures, expected "
                                                                  "at most %zu as the context has; a clamp makes it smaller",
                                                                  path, (long long)p.fit.tokens, a->n_rows, o->max_tokens);
    if (ok) {
        clamp_line(&p.clamp, &p.fit, line);
        if (o->say) o->say("%s: %s", path, line);
        ok = predict_one(t, &p.fit, o, looked, e) && tower_encode(t, &p, &seen, e);
        ok = ok ? album_add(a, seen.nx, seen.ny, seen.n_embd, seen.rows, e) : fail_in(e, path);
    }
    looked->read_s += p.decode_s + p.resize_s;
    looked->vision_s += seen.encode_s;
    seen_free(&seen);
    preprocessed_free(&p);
    return ok;
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
    struct tower *t = tower_open(o->mmproj, &(struct tower_options){.threads = o->threads}, e);
    if (!t) return false;
    bool ok = look_fits(m, t, e);
    char *paths = strdup(o->images), *rest = NULL;
    if (!paths) ok = fail(e, "pictures: found no memory for their names");
    for (char *path = ok ? strtok_r(paths, ",", &rest) : NULL; ok && path; path = strtok_r(NULL, ",", &rest))
        ok = see_one(a, t, path, o, &sums, e);
    if (looked) *looked = sums;
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
