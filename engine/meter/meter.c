/* meter.c - opens a source, keeps its readings, and answers with joules.
 * SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/memory.h"
#include "engine/meter/pulse.h"
#include "engine/meter/source.h"
#include "engine/pool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROW(name) extern const struct meter_source meter_source_##name;
#include "engine/meter/sources.inc"
#undef ROW
#define ROW(name) &meter_source_##name,
static const struct meter_source *const sources[] = {
#include "engine/meter/sources.inc"
};
#undef ROW
enum { N_SOURCES = sizeof sources / sizeof *sources };

const struct energy energy_none = {
    .kind = ENERGY_NONE,
    .gross_j = NAN,
    .net_j = NAN,
    .net_error_j = NAN,
    .idle_w = NAN,
    .idle_error_w = NAN,
    .edge_j = NAN,
    .interval_s = NAN,
    .max_gap_s = NAN,
    .resolution = NAN,
    .clock_error_s = NAN,
    .source = "none",
};

static const double default_max_gap_s = 2;

/* ---- Opening ---- */

static const struct meter_source *find(const char *word, size_t len)
{
    for (size_t i = 0; i < N_SOURCES; i++)
        if (strlen(sources[i]->name) == len && !memcmp(sources[i]->name, word, len)) return sources[i];
    return NULL;
}

bool meter_known(const char *source, struct error *e)
{
    size_t len = strcspn(source, ":");
    const struct meter_source *s = find(source, len);
    if (s && (!s->needs_words || source[len])) return true;
    if (!strcmp(source, "auto") || !strcmp(source, "none")) return true;
    char words[256] = "auto";
    for (size_t i = 0; i < N_SOURCES; i++) {
        size_t used = strlen(words);
        snprintf(words + used, sizeof words - used, ", %s%s", sources[i]->name, sources[i]->needs_words ? ":FILE" : "");
    }
    return fail(e, "found '%.60s', expected an energy source: %s or none", source, words);
}

struct channel *meter_channel(struct meter *m, const char *name, bool counter, struct error *e)
{
    if (m->n == METER_MAX_CHANNELS) return fail(e, "found more than %d sensors", METER_MAX_CHANNELS), NULL;
    struct channel *c = memory_grow(m->channel, &m->capacity, m->n + 1, sizeof *c);
    if (!c) return fail(e, "found no memory for a sensor"), NULL;
    m->channel = c;
    c += m->n++;
    *c = (struct channel){.scale = 1, .trace.counter = counter};
    snprintf(c->name, sizeof c->name, "%s", name);
    return c;
}

/* What a source has put together, so that another can be tried. */
static void clear(struct meter *m)
{
    if (m->source && m->source->close) m->source->close(m);
    for (size_t i = 0; i < m->n; i++) trace_free(&m->channel[i].trace);
    free(m->channel);
    m->channel = NULL;
    m->n = m->capacity = 0;
    m->state = NULL;
    m->source = NULL;
    *m->domain = 0;
    snprintf(m->name, sizeof m->name, "none");
}

/* A reading of all channels, now. The lock is held. */
static bool read_now(struct meter *m, struct error *e)
{
    double value[METER_MAX_CHANNELS], before = clock_now();
    m->source->read(m, value, e);
    double t = 0.5 * (before + clock_now());
    bool whole = true;
    if (t <= m->last_t) return true;
    m->last_t = t;
    for (size_t i = 0; i < m->n; i++) {
        if (isnan(value[i]))
            whole = false;
        else if (!trace_add(&m->channel[i].trace, t, value[i]))
            return fail(e, "found no memory for readings");
    }
    return whole;
}

static bool try_open(struct meter *m, const struct meter_source *s, const char *words, struct error *e)
{
    m->source = s;
    snprintf(m->name, sizeof m->name, "%s", s->name);
    bool ok = s->open(m, words, e) && (!s->read || read_now(m, e));
    if (!ok) clear(m);
    return ok;
}

static void open_any(struct meter *m, const struct meter_options *o)
{
    struct error e;
    for (size_t i = 0; i < N_SOURCES; i++) {
        if (!sources[i]->automatic) continue;
        if (try_open(m, sources[i], NULL, &e)) return;
        if (o->tried) o->tried(o->ctx, sources[i]->name, e.text);
    }
}

static bool set_options(struct meter *m, const struct meter_options *o, struct error *e)
{
    const char *root = o->root ? o->root : "", *vcgencmd = o->vcgencmd ? o->vcgencmd : "vcgencmd";
    if (strlen(root) >= sizeof m->root || strlen(vcgencmd) >= sizeof m->vcgencmd)
        return fail(e, "meter: found too long a path");
    strcpy(m->root, root);
    strcpy(m->vcgencmd, vcgencmd);
    m->gap_given = o->max_gap_s > 0;
    m->max_gap_s = m->gap_given ? o->max_gap_s : default_max_gap_s;
    return true;
}

struct meter *meter_open(const char *source, const struct meter_options *o, struct error *e)
{
    static const struct meter_options none;
    if (!o) o = &none;
    if (!meter_known(source, e)) return NULL;
    struct meter *m = calloc(1, sizeof *m);
    if (!m) return fail(e, "meter: found no memory"), NULL;
    pthread_mutex_init(&m->lock, NULL);
    snprintf(m->name, sizeof m->name, "none");
    size_t len = strcspn(source, ":");
    bool ok = set_options(m, o, e);
    if (ok && !strcmp(source, "auto"))
        open_any(m, o);
    else if (ok && strcmp(source, "none"))
        ok = try_open(m, find(source, len), source[len] ? source + len + 1 : NULL, e);
    if (ok) return m;
    meter_close(m);
    return NULL;
}

void meter_close(struct meter *m)
{
    if (!m) return;
    clear(m);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

const char *meter_source(const struct meter *m)
{
    return m->name;
}
bool meter_measures(const struct meter *m)
{
    return m->source;
}
bool meter_reads(const struct meter *m)
{
    return m->source && m->source->read;
}

/* ---- Reading ---- */

bool meter_sample(struct meter *m, struct error *e)
{
    if (!meter_reads(m)) return true;
    pthread_mutex_lock(&m->lock);
    bool ok = clock_now() - m->last_t < m->source->interval_s || read_now(m, e);
    pthread_mutex_unlock(&m->lock);
    return ok;
}

void meter_tick(void *meter)
{
    struct error ignored;
    (void)meter_sample(meter, &ignored);
}

/* Takes a reading where the last is before t1: the sampler may have stopped, or been held off by the source's interval. */
static bool reach(struct meter *m, double t1, struct error *e)
{
    return !m->source->read || m->last_t >= t1 || read_now(m, e) || fail_in(e, m->name);
}

bool meter_idle(struct meter *m, double t0, double t1, struct error *e)
{
    if (!(t1 > t0)) return fail(e, "idle: found a window of %.6g s, expected a positive one", t1 - t0);
    pthread_mutex_lock(&m->lock);
    bool ok = m->n_idle < METER_MAX_IDLE || fail(e, "idle: found more than %d windows", METER_MAX_IDLE);
    if (ok && m->source) ok = reach(m, t1, e);
    if (ok) m->idle[m->n_idle++] = (struct idle){t0, t1};
    pthread_mutex_unlock(&m->lock);
    return ok;
}

/* ---- Pulses ---- */

bool meter_wants_pulse(const struct meter *m)
{
    return m->source && m->source->wants_pulse && m->source->wants_pulse(m);
}

static bool add_pulse(struct meter *m, const double edges[PULSE_CHIPS + 1], bool recorded, struct error *e)
{
    pthread_mutex_lock(&m->lock);
    bool ok = m->n_pulses < METER_MAX_PULSES || fail(e, "pulse: found more than %d", METER_MAX_PULSES);
    if (ok) {
        memcpy(m->pulse[m->n_pulses++], edges, sizeof *m->pulse);
        m->pulse_recorded |= recorded;
    }
    pthread_mutex_unlock(&m->lock);
    return ok;
}

bool meter_pulse(struct meter *m, const volatile int *stop, struct error *e)
{
    double edges[PULSE_CHIPS + 1];
    if (!meter_wants_pulse(m)) return true;
    return pulse_make(pool_default_threads(), m->source->chip(m), stop, edges, e) && add_pulse(m, edges, false, e);
}

bool meter_pulse_add(struct meter *m, const double edges[PULSE_CHIPS + 1], struct error *e)
{
    for (int i = 0; i < PULSE_CHIPS; i++)
        if (!(edges[i + 1] > edges[i])) return fail(e, "pulse: found edge %d not after the one before it", i + 1);
    return add_pulse(m, edges, true, e);
}

/* ---- Joules ---- */

/* Gross joules of all channels, with what describes the readings, into *out. */
static bool gross(const struct meter *m, double t0, double t1, size_t min_readings, struct energy *out, struct error *e)
{
    size_t readings = SIZE_MAX;
    out->gross_j = out->edge_j = out->max_gap_s = 0;
    out->n_parts = m->n <= ENERGY_PARTS ? m->n : 0;
    for (size_t i = 0; i < m->n; i++) {
        const struct channel *c = &m->channel[i];
        struct span s;
        if (!trace_between(&c->trace, t0, t1, m->max_gap_s, min_readings, &s, e)) return fail_in(e, c->name);
        out->gross_j += s.joules;
        out->max_gap_s = fmax(out->max_gap_s, s.max_gap_s);
        if (s.readings < readings) readings = s.readings;
        out->edge_j += fabs(s.joules) * s.edge_s / (t1 - t0);
        double step = m->resolution > 0 ? m->resolution : c->trace.step > 0 ? c->trace.step : NAN;
        out->resolution = i ? fmin(out->resolution, step) : step;
        if (!out->n_parts) continue;
        out->part[i].joules = s.joules;
        snprintf(out->part[i].name, sizeof out->part[i].name, "%s", c->name);
    }
    out->readings = readings;
    out->interval_s = readings ? (t1 - t0) / (double)readings : NAN;
    return true;
}

/* Mean power of the idle windows and its standard error. Scatter: of the means of up to 8 equal blocks in a window. Drift: of
 * the windows' means. The blocks hide neither a trend within a window nor noise slower than them, so the larger one counts. */
static bool baseline(const struct meter *m, struct energy *out, struct error *e)
{
    double joules = 0, seconds = 0, scatter = 0, mean_sum = 0, mean_squares = 0;
    for (size_t w = 0; w < m->n_idle; w++) {
        double t0 = m->idle[w].t0, t1 = m->idle[w].t1, sum = 0, squares = 0;
        struct energy whole = energy_none, part = energy_none;
        if (!gross(m, t0, t1, METER_MIN_READINGS, &whole, e)) return fail_in(e, "idle window");
        size_t n = whole.readings >= 16 ? 8 : whole.readings >= 4 ? whole.readings / 2 : 2;
        for (size_t i = 0; i < n; i++) {
            double width = (t1 - t0) / (double)n;
            if (!gross(m, t0 + width * (double)i, t0 + width * (double)(i + 1), 0, &part, e)) return fail_in(e, "idle window");
            double w_block = part.gross_j / width;
            sum += w_block;
            squares += w_block * w_block;
        }
        double mean = sum / (double)n, variance = fmax(squares / (double)n - mean * mean, 0) / (double)(n - 1);
        scatter += variance * (t1 - t0) * (t1 - t0);
        joules += whole.gross_j;
        seconds += t1 - t0;
        mean = whole.gross_j / (t1 - t0);
        mean_sum += mean;
        mean_squares += mean * mean;
    }
    double k = (double)m->n_idle, drift = 0;
    scatter /= seconds * seconds;
    if (m->n_idle > 1) drift = fmax(mean_squares / k - mean_sum / k * (mean_sum / k), 0) / (k - 1);
    out->idle_w = joules / seconds;
    out->idle_error_w = sqrt(fmax(scatter, drift));
    return true;
}

/* The answer, the readings being up to date. */
static bool answer(struct meter *m, double t0, double t1, struct energy *out, struct error *e)
{
    struct error idle;
    if (!gross(m, t0, t1, METER_MIN_READINGS, out, e)) return fail_in(e, m->name);
    if (!(out->gross_j >= 0)) return fail(e, "%s: found %.6g J, expected no less than 0", m->name, out->gross_j);
    out->kind = ENERGY_MEASURED;
    snprintf(out->source, sizeof out->source, "%s", m->name);
    snprintf(out->domain, sizeof out->domain, "%s", m->domain);
    if (m->n_idle && baseline(m, out, &idle)) {
        out->net_j = out->gross_j - out->idle_w * (t1 - t0);
        out->net_error_j = out->idle_error_w * (t1 - t0);
    } else if (m->n_idle) {
        snprintf(out->remark, sizeof out->remark, "%.200s", idle.text);
    }
    if (m->source->finish) m->source->finish(m, out);
    return true;
}

bool meter_between(struct meter *m, double t0, double t1, struct energy *out, struct error *e)
{
    *out = energy_none;
    if (!m->source) return true;
    pthread_mutex_lock(&m->lock);
    bool ok = reach(m, t1, e);
    double latest = t1;
    for (size_t i = 0; i < m->n_idle; i++) latest = fmax(latest, m->idle[i].t1);
    if (ok && m->source->update) ok = m->source->update(m, latest, e);
    ok = ok && answer(m, t0, t1, out, e);
    if (!ok) *out = energy_none;
    pthread_mutex_unlock(&m->lock);
    return ok;
}
