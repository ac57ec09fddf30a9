/* SPDX-License-Identifier: MIT */
#include "engine/look.h"

#include <stdlib.h>
#include <string.h>

#include "engine/account/tower_price.h"

static const char pad[] = "<|image_pad|>", mark[] = "<|vision_start|><|image_pad|><|vision_end|>";

/* A picture from its file to the tower. */
struct sight {
    const char *path;
    struct preprocessed p;
    struct prediction cost;
};

struct sights {
    struct sight *s;
    size_t n, n_tokens;
    double seconds; /* predicted, of all */
};

/* Reads the picture, and prices it beside those before. */
static bool prepare(struct sights *all, const struct tower *t, const char *path, const struct look_options *o, struct error *e)
{
    struct sight *s = &all->s[all->n];
    size_t before = all->n_tokens;
    if (!preprocess(path, o->clamp, &t->mmproj->keys, &s->p, e)) return false;
    s->path = path;
    all->n++;
    all->n_tokens += (size_t)s->p.fit.tokens;
    if (all->n_tokens > o->max_tokens)
        return fail(e,
                    "%s: found %lld tokens after %zu of other pictures, expected at most %zu as the context has; a clamp makes "
                    "it smaller",
                    path, (long long)s->p.fit.tokens, before, o->max_tokens);
    if (!tower_predict(&s->cost, t, o->device, t->options.threads, &s->p.fit, e) ||
        !tower_afford(t, &s->p.fit, &s->cost, o->max_seconds, e))
        return fail_in(e, path);
    all->seconds += s->cost.time_s;
    if (!(o->max_seconds > 0) || all->seconds <= o->max_seconds) return true;
    return fail(e, "%s: found %.3g s predicted of %zu pictures up to it, expected at most %g s; a clamp makes them smaller",
                path, all->seconds, all->n, o->max_seconds);
}

static bool encode(struct album *a, struct tower *t, const struct sight *s, const struct look_options *o, struct looked *looked,
                   struct error *e)
{
    struct seen seen = {0};
    char line[TOWER_OFFER_LINE];
    tower_offer_line(&s->p, &s->cost, line);
    if (o->say) o->say("%s: %s", s->path, line);
    bool ok = tower_encode(t, &s->p, &seen, e) || fail_in(e, s->path);
    ok = ok && album_add(a, seen.nx, seen.ny, seen.n_embd, seen.rows, e);
    looked->picture[looked->n++] = (struct looked_picture){s->p.clamp, s->p.fit};
    looked->read_s += s->p.decode_s + s->p.resize_s;
    looked->vision_s += seen.encode_s;
    looked->predicted_s += s->cost.time_s;
    looked->predicted_j += s->cost.energy_j;
    seen_free(&seen);
    return ok;
}

static void sights_free(struct sights *all)
{
    for (size_t i = 0; i < all->n; i++) {
        preprocessed_free(&all->s[i].p);
        prediction_free(&all->s[i].cost);
    }
    free(all->s);
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
    const struct model_file *file = t->mmproj->model.file;
    return t->mmproj->n_out == m->hp.n_embd || fail(e, "%s: found embeddings of %d, expected %d as the model's",
                                                    file ? file->path : "vision shape", t->mmproj->n_out, m->hp.n_embd);
}

bool look(struct album *a, const struct model *m, const struct look_options *o, struct looked *looked, struct error *e)
{
    *looked = (struct looked){0};
    if (!takes_pictures(m, e)) return false; /* before the tower is read in */
    struct tower *t = tower_open(
        o->mmproj, &(struct tower_options){.threads = o->threads, .exact = o->exact, .interrupted = o->interrupted}, e);
    if (!t) return false;
    bool ok = look_fits(m, t, e);
    char *paths = strdup(o->images), *rest = NULL;
    size_t most = 1;
    for (const char *c = o->images; *c; c++) most += *c == ',';
    struct sights all = {.s = calloc(most, sizeof *all.s)};
    looked->picture = calloc(most, sizeof *looked->picture);
    if (ok && (!paths || !all.s || !looked->picture)) ok = fail(e, "pictures: found no memory for %zu of them", most);
    for (char *path = ok ? strtok_r(paths, ",", &rest) : NULL; ok && path; path = strtok_r(NULL, ",", &rest))
        ok = prepare(&all, t, path, o, e);
    for (size_t i = 0; ok && i < all.n; i++) ok = encode(a, t, &all.s[i], o, looked, e);
    sights_free(&all);
    free(paths);
    tower_free(t);
    return ok;
}

void looked_free(struct looked *l)
{
    free(l->picture);
    *l = (struct looked){0};
}

void looked_json(struct json *j, const struct looked *l)
{
    json_key(j, "pictures");
    json_array(j);
    for (size_t i = 0; i < l->n; i++) {
        json_object(j);
        clamp_json(j, &l->picture[i].clamp, &l->picture[i].fit);
        json_object_end(j);
    }
    json_array_end(j);
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
