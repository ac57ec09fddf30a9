/* SPDX-License-Identifier: MIT */
#include "engine/tower/tower.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/tower/tower_plan.h"

/* Halves: what they round off lies far below what halves of weights do, and a picture's keys and values stay in more caches. */
static enum type cache_type(const struct tower *t)
{
    return t->options.exact ? TYPE_F32 : TYPE_F16;
}

/* Takes over m. */
static struct tower *new_tower(struct mmproj *m, const struct tower_options *o, bool runs, struct error *e)
{
    struct tower *t = m ? calloc(1, sizeof *t) : NULL;
    if (!t) {
        if (m) fail(e, "tower: found no memory");
        mmproj_close(m);
        return NULL;
    }
    t->mmproj = m;
    t->options = *o;
    if (!t->options.threads) t->options.threads = pool_default_threads();
    t->plan = tower_plan_new(m, o->exact, e);
    bool ok = t->plan && (!runs || (t->pool = pool_new(t->options.threads, e))) &&
              (!runs || !o->profile || (t->profile = profile_new(t->plan, t->options.threads, e)));
    if (ok) return t;
    tower_free(t);
    return NULL;
}

struct tower *tower_open(const char *path, const struct tower_options *o, struct error *e)
{
    return new_tower(mmproj_open(path, NULL, 0, e), o, true, e);
}

struct tower *tower_open_header(const char *path, struct error *e)
{
    return new_tower(mmproj_open(path, NULL, MODEL_HEADER_ONLY, e), &(struct tower_options){0}, false, e);
}

struct tower *tower_from_shape(const char *spec, struct error *e)
{
    return new_tower(mmproj_from_shape(spec, e), &(struct tower_options){0}, false, e);
}

void tower_free(struct tower *t)
{
    if (!t) return;
    profile_free(t->profile);
    pool_free(t->pool);
    plan_free(t->plan);
    mmproj_close(t->mmproj);
    free(t);
}

/* ---- Cost ---- */

struct step tower_step(const struct tower *t, const struct clamped *fit)
{
    return (struct step){.n = (size_t)fit->patches, .n_out = (size_t)fit->tokens, .kv_type = cache_type(t)};
}

size_t tower_bytes(const struct tower *t, const struct clamped *fit, int threads)
{
    struct step s = tower_step(t, fit);
    return exec_bytes(t->plan, s.n, s.n_out, s.n, threads) + kv_bytes(&t->mmproj->model.hp, s.kv_type, s.n);
}

bool tower_fits(const struct tower *t, const struct clamped *fit, int threads, struct error *e)
{
    uint64_t free_bytes = memory_available(), bytes = tower_bytes(t, fit, threads);
    if (bytes <= free_bytes) return true;
    return fail(
        e,
        "picture of %lld patches: found %llu MB free, expected %llu MB for its keys, values and buffers; a clamp makes it "
        "smaller",
        (long long)fit->patches, (unsigned long long)(free_bytes >> 20), (unsigned long long)(bytes >> 20));
}

/* ---- Seeing ---- */

bool tower_encode(struct tower *t, const struct preprocessed *p, struct seen *out, struct error *e)
{
    const struct clamped *fit = &p->fit;
    const struct mmproj *m = t->mmproj;
    struct step s = tower_step(t, fit);
    *out = (struct seen){.nx = fit->nx, .ny = fit->ny, .n_tokens = s.n_out, .n_embd = m->n_out};
    if (!tower_fits(t, fit, t->options.threads, e)) return false;
    /* Else the first picture would pay for reading it; a made-up tower has no file. */
    if (!t->settled && m->model.file) model_file_settle(m->model.file, NULL, NULL);
    t->settled = true;
    double start = clock_now();
    struct kv *kv = kv_new(&m->model.hp, s.kv_type, s.n, e);
    struct exec *x = kv ? exec_new(t->plan, kv, t->pool, s.n, s.n_out, e) : NULL;
    size_t bytes = s.n_out * (size_t)m->n_out * sizeof(float);
    if (x && !(out->rows = malloc(bytes))) fail(e, "embeddings of %zu tokens: found no memory for %zu bytes", s.n_out, bytes);
    if (x && out->rows) {
        if (t->profile) profile_reset(t->profile);
        x->profile = t->profile;
        x->phase = PHASE_PREFILL;
        x->picture = (struct exec_picture){p->picture.rgb, (size_t)fit->width, (size_t)fit->height,
                                           (size_t)(fit->width / m->keys.patch)};
        x->interrupted = t->options.interrupted;
        const float *rows = exec_step(x, NULL, s.n, NULL, s.n_out);
        if (rows)
            memcpy(out->rows, rows, bytes);
        else {
            fail(e, "interrupted");
            seen_free(out);
        }
    }
    exec_free(x);
    kv_free(kv);
    out->encode_s = clock_now() - start;
    return out->rows;
}

bool tower_see(struct tower *t, const char *path, const char *clamp, struct seen *out, struct error *e)
{
    struct preprocessed p;
    *out = (struct seen){0};
    if (!preprocess(path, clamp, &t->mmproj->keys, &p, e)) return false;
    bool ok = tower_encode(t, &p, out, e);
    preprocessed_free(&p);
    return ok || fail_in(e, path);
}

void seen_free(struct seen *s)
{
    free(s->rows);
    *s = (struct seen){0};
}
