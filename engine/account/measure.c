/* SPDX-License-Identifier: MIT */
#include "engine/account/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "engine/account/tower_price.h"
#include "engine/look.h"
#include "engine/meter/metering.h"
#include "kernels/kernel.h"

void prediction_take_profile(struct prediction *r, const struct profile *p)
{
    for (size_t i = 0; i < r->n_rows; i++) r->rows[i].measured_s = p->seconds[i]; /* both are [phase][op] */
}

/* ---- One run ---- */

/* What a run needs. */
struct bench {
    const struct measure_options *o;
    struct session *session;
    struct album album; /* the picture's rows */
    int32_t *tokens;    /* of prompt and continuation, a picture's first */
    size_t prompt;
};

struct one_run {
    double vision_s, prefill_s, decode_s;
    double *row_s; /* n_rows */
};

static bool go_on(void *ctx, size_t done, size_t total)
{
    const struct measure_options *o = ctx;
    (void)done, (void)total;
    return !(o->interrupted && *o->interrupted);
}

static bool see(struct bench *b, double *seconds, struct error *e)
{
    struct seen seen;
    bool ok = tower_encode(b->o->tower, b->o->picture, &seen, e);
    album_free(&b->album);
    ok = ok && album_add(&b->album, seen.nx, seen.ny, seen.n_embd, seen.rows, e);
    *seconds = seen.encode_s;
    seen_free(&seen);
    return ok && !go_on((void *)b->o, 0, 0) ? fail(e, "interrupted") : ok;
}

static bool run_once(struct bench *b, struct one_run *r, struct error *e)
{
    const struct measure_options *o = b->o;
    struct session *s = b->session;
    size_t prompt = b->prompt, gen = o->run.gen;
    session_reset(s);
    profile_reset(s->profile);
    r->vision_s = 0;
    if (o->tower && !see(b, &r->vision_s, e)) return false;
    double start = clock_now();
    if (!session_feed(s, b->tokens, prompt, PHASE_PREFILL, go_on, (void *)o, e)) return false;
    r->prefill_s = clock_now() - start;
    start = clock_now();
    for (size_t i = 0; i + 1 < gen; i++) {
        if (!session_feed(s, b->tokens + prompt + i, 1, PHASE_DECODE, NULL, NULL, e)) return false;
        if (!go_on((void *)o, 0, 0)) return fail(e, "interrupted");
    }
    r->decode_s = gen > 1 ? clock_now() - start : 0;
    return true;
}

/* The profiles' times as the prediction has its rows: the session's, then the tower's. */
static void take_rows(const struct bench *b, size_t n_rows, double *row_s)
{
    const struct tower *t = b->o->tower;
    size_t n_tower = t ? t->plan->n_ops : 0;
    memcpy(row_s, b->session->profile->seconds, (n_rows - n_tower) * sizeof *row_s);
    if (t) memcpy(row_s + n_rows - n_tower, t->profile->seconds, n_tower * sizeof *row_s);
}

int32_t *fixed_tokens(size_t n, int n_vocab)
{
    int32_t *t = malloc(n * sizeof *t);
    uint64_t state = 42;
    for (size_t i = 0; t && i < n; i++) t[i] = (int32_t)random_below(&state, (size_t)n_vocab);
    return t;
}

/* ---- Checks ---- */

static bool check_flops(const struct measurement *m, struct error *e)
{
    if (m->flops_counted == m->prediction.flops) return true;
    return fail(e, "FLOPs: found %.17g counted, expected the %.17g predicted", m->flops_counted, m->prediction.flops);
}

bool measurement_check(const struct measurement *m, const struct device *d, struct error *e)
{
    const struct prediction *r = &m->prediction;
    double peak = device_rate(d, "read_peak", r->options.threads), llc = device_get(d, "llc");
    double margin = fmin(0.25, fmax(0.1, 5 * device_get(d, "noise"))), steps = (double)(r->options.gen - 1), whole = 0;
    for (size_t i = 0; i < r->n_rows; i++) {
        const struct prediction_row *row = &r->rows[i];
        double rate = row->streamed_bytes / row->measured_s;
        if (row->phase == PHASE_DECODE) whole += row->streamed_bytes;
        if (row->phase != PHASE_DECODE || row->streamed_bytes <= steps * llc || !(rate > peak * (1 + margin))) continue;
        char layer[24] = "";
        if (row->layer >= 0) snprintf(layer, sizeof layer, "layer %d: ", row->layer);
        return fail(e,
                    "%s%s: found %.2f GB/s read while decoding, expected at most the calibrated %.2f GB/s and %.0f %%; run "
                    "'hartree calibrate' while nothing else runs",
                    layer, row->op, rate / 1e9, peak / 1e9, 100 * margin);
    }
    /* Each op may fit the cache and all of them together not: all but what the cache can have kept came from memory. */
    double rate = (whole - steps * llc) / m->decode_s;
    if (!(rate > peak * (1 + margin))) return true;
    return fail(e,
                "decoding: found %.2f GB/s read at least, expected at most the calibrated %.2f GB/s and %.0f %%; run 'hartree "
                "calibrate' while nothing else runs",
                rate / 1e9, peak / 1e9, 100 * margin);
}

/* ---- All of it ---- */

static double total(const struct one_run *r)
{
    return r->vision_s + r->prefill_s + r->decode_s;
}

static int by_total(const void *a, const void *b)
{
    const struct one_run *x = a, *y = b;
    double p = total(x), q = total(y);
    return (p > q) - (p < q);
}

static void take_median(struct measurement *m, struct one_run *runs)
{
    int n = m->repeats;
    qsort(runs, (size_t)n, sizeof *runs, by_total);
    const struct one_run *r = &runs[(n - 1) / 2];
    m->prefill_s = r->prefill_s;
    m->decode_s = r->decode_s;
    m->vision_s = isnan(m->prediction.flops_vision) ? NAN : r->vision_s;
    m->measured_s = total(r);
    m->fastest_s = total(&runs[0]);
    m->slowest_s = total(&runs[n - 1]);
    m->unattributed_s = m->measured_s;
    for (size_t i = 0; i < m->prediction.n_rows; i++) {
        m->prediction.rows[i].measured_s = r->row_s[i];
        m->unattributed_s -= r->row_s[i];
    }
}

/* Times stand without joules: why there are none is for the caller to tell. */
static void end_metering(struct measurement *m, struct metering *g)
{
    struct error why;
    if (!metering_end(g, &m->energy, &why)) snprintf(m->unmetered, sizeof m->unmetered, "%.255s", why.text);
    m->measured_j = m->energy.gross_j / m->repeats;
}

static bool run_all(struct measurement *m, struct bench *b, struct one_run *runs, struct error *e)
{
    const struct measure_options *o = b->o;
    size_t n_rows = m->prediction.n_rows;
    struct one_run ignored;
    kernel_count_begin();
    bool ok = run_once(b, &ignored, e);
    m->flops_counted = kernel_count_end().flops;
    if (!ok || !check_flops(m, e)) return false;
    struct metering metering;
    if (o->meter && !metering_begin(&metering, o->meter, o->interrupted, e)) return false;
    for (int i = 0; ok && i < o->repeats; i++) {
        runs[i].row_s = malloc(n_rows * sizeof *runs[i].row_s);
        ok = runs[i].row_s || fail(e, "measurement: found no memory for %zu rows", n_rows);
        ok = ok && run_once(b, &runs[i], e);
        if (ok) take_rows(b, n_rows, runs[i].row_s);
    }
    if (o->meter) end_metering(m, &metering);
    if (ok) take_median(m, runs);
    return ok;
}

/* Predicts the run, and the tower's part of it. */
static bool predict_all(struct measurement *m, const struct bench *b, const struct device *d, struct error *e)
{
    const struct measure_options *o = b->o;
    struct predict_options run = o->run;
    struct prediction tower;
    char size[24], clamp[CLAMP_TEXT];
    run.prompt = b->prompt;
    if (!predict(&m->prediction, b->session->plan, d, &run, e)) return false;
    if (!o->tower) return true;
    const struct clamped *fit = &o->picture->fit;
    snprintf(size, sizeof size, "%dx%d", fit->in_width, fit->in_height);
    clamp_text(&o->picture->clamp, clamp);
    if (!tower_predict(&tower, o->tower, d, o->run.threads, fit, e)) return false;
    bool ok = prediction_join(&m->prediction, &tower, size, clamp, e);
    prediction_free(&tower);
    return ok;
}

/* Ids of prompt and continuation: the picture's rows first. */
static int32_t *all_tokens(size_t n, size_t seen, int n_vocab)
{
    int32_t *t = fixed_tokens(n, n_vocab);
    for (size_t i = 0; t && i < seen; i++) t[i] = -1 - (int32_t)i;
    return t;
}

bool measure(struct measurement *m, const struct model *model, const struct device *d, const struct measure_options *o,
             struct error *e)
{
    size_t seen = o->tower ? (size_t)o->picture->fit.tokens : 0;
    struct bench b = {.o = o, .prompt = o->run.prompt + seen};
    *m = (struct measurement){.repeats = o->repeats, .energy = energy_none, .measured_j = NAN};
    if (o->repeats < 1 || o->repeats > 1000) return fail(e, "measurement: found %d repeats, expected 1 to 1000", o->repeats);
    if (o->run.past) return fail(e, "measurement: found %zu positions before the prompt, expected none", o->run.past);
    if (o->tower && !look_fits(model, o->tower, e)) return false;
    struct session_options so = {.n_ctx = b.prompt + o->run.gen,
                                 .n_batch = o->run.ubatch,
                                 .kv_type = o->run.kv_type,
                                 .threads = o->run.threads,
                                 .embed = model->arch->encoder,
                                 .profile = true,
                                 .album = o->tower ? &b.album : NULL};
    struct one_run *runs = calloc((size_t)o->repeats, sizeof *runs);
    b.session = session_new(model, &so, e);
    if (b.session) b.tokens = all_tokens(so.n_ctx, seen, model->hp.n_vocab); /* a context that does not fit needs none */
    bool ok = b.session && ((runs && b.tokens) || fail(e, "measurement: found no memory for %d repeats", o->repeats)) &&
              predict_all(m, &b, d, e) && run_all(m, &b, runs, e);
    for (int i = 0; runs && i < o->repeats; i++) free(runs[i].row_s);
    free(runs);
    free(b.tokens);
    album_free(&b.album);
    session_free(b.session);
    if (!ok) measurement_free(m);
    return ok;
}

void measurement_free(struct measurement *m)
{
    prediction_free(&m->prediction);
}
