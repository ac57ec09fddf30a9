/* SPDX-License-Identifier: MIT */
#include "engine/account/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "engine/meter/metering.h"
#include "kernels/kernel.h"

void prediction_take_profile(struct prediction *r, const struct profile *p)
{
    for (size_t i = 0; i < r->n_rows; i++) r->rows[i].measured_s = p->seconds[i]; /* both are [phase][op] */
}

/* ---- One run ---- */

struct one_run {
    double prefill_s, decode_s;
    double *row_s; /* n_rows */
};

static bool go_on(void *ctx, size_t done, size_t total)
{
    const struct measure_options *o = ctx;
    (void)done, (void)total;
    return !(o->interrupted && *o->interrupted);
}

static bool run_once(struct session *s, const int32_t *tokens, const struct measure_options *o, struct one_run *r,
                     struct error *e)
{
    size_t prompt = o->run.prompt, gen = o->run.gen;
    session_reset(s);
    profile_reset(s->profile);
    double start = clock_now();
    if (!session_feed(s, tokens, prompt, PHASE_PREFILL, go_on, (void *)o, e)) return false;
    r->prefill_s = clock_now() - start;
    start = clock_now();
    for (size_t i = 0; i + 1 < gen; i++) {
        if (!session_feed(s, tokens + prompt + i, 1, PHASE_DECODE, NULL, NULL, e)) return false;
        if (!go_on((void *)o, 0, 0)) return fail(e, "interrupted");
    }
    r->decode_s = gen > 1 ? clock_now() - start : 0;
    return true;
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

static int by_total(const void *a, const void *b)
{
    const struct one_run *x = a, *y = b;
    double p = x->prefill_s + x->decode_s, q = y->prefill_s + y->decode_s;
    return (p > q) - (p < q);
}

static void take_median(struct measurement *m, struct one_run *runs)
{
    int n = m->repeats;
    qsort(runs, (size_t)n, sizeof *runs, by_total);
    const struct one_run *r = &runs[(n - 1) / 2];
    m->prefill_s = r->prefill_s;
    m->decode_s = r->decode_s;
    m->measured_s = r->prefill_s + r->decode_s;
    m->fastest_s = runs[0].prefill_s + runs[0].decode_s;
    m->slowest_s = runs[n - 1].prefill_s + runs[n - 1].decode_s;
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

static bool run_all(struct measurement *m, struct session *s, const int32_t *tokens, const struct measure_options *o,
                    struct one_run *runs, struct error *e)
{
    size_t n_rows = m->prediction.n_rows;
    struct one_run ignored;
    kernel_count_begin();
    bool ok = run_once(s, tokens, o, &ignored, e);
    m->flops_counted = kernel_count_end().flops;
    if (!ok || !check_flops(m, e)) return false;
    struct metering metering;
    if (o->meter && !metering_begin(&metering, o->meter, o->interrupted, e)) return false;
    for (int i = 0; ok && i < o->repeats; i++) {
        runs[i].row_s = malloc(n_rows * sizeof *runs[i].row_s);
        ok = runs[i].row_s || fail(e, "measurement: found no memory for %zu rows", n_rows);
        ok = ok && run_once(s, tokens, o, &runs[i], e);
        if (ok) memcpy(runs[i].row_s, s->profile->seconds, n_rows * sizeof *runs[i].row_s);
    }
    if (o->meter) end_metering(m, &metering);
    if (ok) take_median(m, runs);
    return ok;
}

bool measure(struct measurement *m, const struct model *model, const struct device *d, const struct measure_options *o,
             struct error *e)
{
    *m = (struct measurement){.repeats = o->repeats, .energy = energy_none, .measured_j = NAN};
    if (o->repeats < 1 || o->repeats > 1000) return fail(e, "measurement: found %d repeats, expected 1 to 1000", o->repeats);
    if (o->run.past) return fail(e, "measurement: found %zu positions before the prompt, expected none", o->run.past);
    struct session_options so = {.n_ctx = o->run.prompt + o->run.gen,
                                 .n_batch = o->run.ubatch,
                                 .kv_type = o->run.kv_type,
                                 .threads = o->run.threads,
                                 .embed = model->arch->encoder,
                                 .profile = true};
    struct session *s = session_new(model, &so, e);
    struct one_run *runs = calloc((size_t)o->repeats, sizeof *runs);
    int32_t *tokens = s ? fixed_tokens(so.n_ctx, model->hp.n_vocab) : NULL; /* a context that does not fit needs none */
    bool ok = s && ((runs && tokens) || fail(e, "measurement: found no memory for %d repeats", o->repeats)) &&
              predict(&m->prediction, s->plan, d, &o->run, e) && run_all(m, s, tokens, o, runs, e);
    for (int i = 0; runs && i < o->repeats; i++) free(runs[i].row_s);
    free(runs);
    free(tokens);
    session_free(s);
    if (!ok) measurement_free(m);
    return ok;
}

void measurement_free(struct measurement *m)
{
    prediction_free(&m->prediction);
}
