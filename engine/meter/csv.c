/* csv.c - the log of a USB meter that some other program writes: csv:FILE[,KEY=VALUE...].
 *
 *   time= power= voltage= current= energy=   columns by name or number, with a unit: power=P_mW:mW. Without them the columns
 *                                            that FNIRSI loggers and pyummeter write are known, and the usual names.
 *   clock=here    (default) its times are this machine's: seconds since 1970, or dates
 *   clock=pulse   they are another's, or count from anywhere: pulses (meter_pulse) tell how they lie
 *   chip=S        of a pulse, 0.5 s; twice the log's spacing at least
 *   gap=S         longest time without a reading, 2 s, or 5 times the usual spacing if that is more
 *
 * Power is taken where there is a column, else volts times amperes. A counted energy is taken only if energy= asks for it.
 * Times may step back a little, as FNIRSI's do from packet to packet: rows that are not later than one before are left out.
 * After a longer step back the clock was set: what came before is forgotten, so no window can span it.
 *
 * The log is read as it grows. Its writer must not hold rows back: python3 -u, stdbuf -oL.
 * SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/printable.h"
#include "engine/meter/csv_log.h"
#include "engine/meter/pulse.h"
#include "engine/meter/source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double patience_s = 3;      /* after a window's end, with a writer that lags */
static const double small_step_s = 0.25; /* backwards */
static const double clock_set_s = 0.02;  /* this machine's two clocks moving apart: somebody set one */

struct csv {
    struct csv_log log;
    char path[400];
    bool pulse;
    double chip;
    double ahead;                    /* realtime minus clock_now() when the meter was opened */
    double opened_at;                /* the log's last time then; -INFINITY: it was empty */
    struct alignment map;            /* by which the trace's times were turned into this machine's */
    size_t mapped_pulses;            /* 0: the trace's times are the log's own (less `ahead`, for clock=here) */
    size_t tried_rows, tried_pulses; /* of the last attempt to align, so that it isn't repeated for nothing */
    size_t rows;
    double raw_t; /* the log's own last time */
};

static double realtime_ahead(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec - clock_now();
}

/* A row: its power, or its counter, onto the trace. */
static bool take_row(void *ctx, const double v[LOG_QUANTITIES], struct error *e)
{
    struct meter *m = ctx;
    struct csv *s = m->state;
    struct trace *c = &m->channel[0].trace;
    double t = v[LOG_TIME];
    if (s->rows && t <= s->raw_t) {
        if (s->raw_t - t <= small_step_s) return true;
        trace_free(c);
        s->mapped_pulses = 0;
        s->opened_at = -INFINITY; /* on a clock that is no more */
    }
    s->raw_t = t;
    s->rows++;
    if (!s->pulse)
        t -= s->ahead;
    else if (s->mapped_pulses)
        t = s->map.at + (t - s->map.offset) / s->map.rate;
    double value = c->counter ? v[LOG_ENERGY] : !isnan(v[LOG_POWER]) ? v[LOG_POWER] : v[LOG_VOLTAGE] * v[LOG_CURRENT];
    return (c->n && t <= c->r[c->n - 1].t) || trace_add(c, t, value) ||
           fail(e, "%s: found no memory for its readings", s->path);
}

/* ---- Opening ---- */

static bool seconds(const char *key, const char *value, double *v, struct error *e)
{
    char *end;
    *v = strtod(value, &end);
    return (*value && !*end && *v > 0 && *v <= 3600) || fail(e, "csv: %s=%.40s: expected seconds", key, value);
}

static bool set_key(struct meter *m, char *word, struct error *e)
{
    static const char *const columns[LOG_QUANTITIES] = {"time", "power", "voltage", "current", "energy"};
    struct csv *s = m->state;
    char *value = strchr(word, '=');
    if (!value) return fail(e, "csv: found '%.60s', expected KEY=VALUE", word);
    *value++ = 0;
    for (int q = 0; q < LOG_QUANTITIES; q++) {
        if (strcmp(word, columns[q])) continue;
        if (q == LOG_ENERGY) m->channel[0].trace.counter = true;
        return csv_log_want(&s->log, (enum quantity)q, value, e);
    }
    if (!strcmp(word, "chip")) return seconds(word, value, &s->chip, e);
    if (!strcmp(word, "gap")) return m->gap_given = true, seconds(word, value, &m->max_gap_s, e);
    if (strcmp(word, "clock"))
        return fail(e, "csv: found key '%.40s', expected time, power, voltage, current, energy, clock, chip or gap", word);
    s->pulse = !strcmp(value, "pulse");
    return s->pulse || !strcmp(value, "here") || fail(e, "csv: clock=%.40s: expected here or pulse", value);
}

/* Where the file's name ends: at the first comma that a known key and '=' follow. */
static size_t name_length(const char *words)
{
    static const char *const keys[] = {"time=", "power=", "voltage=", "current=", "energy=", "clock=", "chip=", "gap="};
    for (const char *p = words; (p = strchr(p, ',')); p++)
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            if (!strncmp(p + 1, keys[i], strlen(keys[i]))) return (size_t)(p - words);
    return strlen(words);
}

static bool csv_open(struct meter *m, const char *words, struct error *e)
{
    struct csv *s = m->state = calloc(1, sizeof *s);
    char keys[512];
    if (!s) return fail(e, "csv: found no memory");
    s->log.fd = -1;
    size_t len = words ? name_length(words) : 0;
    if (!len) return fail(e, "csv: found no file's name, expected csv:FILE");
    if (len >= sizeof s->path || strlen(words + len) >= sizeof keys)
        return fail(e, "csv:%.40s...: found too long a line", words);
    memcpy(s->path, words, len);
    s->chip = 0.5;
    s->opened_at = -INFINITY;
    s->ahead = realtime_ahead();
    if (!csv_log_open(&s->log, s->path, e) || !meter_channel(m, "log", false, e)) return false;
    strcpy(keys, words + len + (words[len] == ','));
    for (char *word = keys, *next; word && *word; word = next) {
        if ((next = strchr(word, ','))) *next++ = 0;
        if (!set_key(m, word, e)) return false;
    }
    if (!csv_log_read(&s->log, take_row, m, e)) return false;
    if (s->rows) s->opened_at = s->raw_t;
    const char *base = strrchr(s->path, '/');
    snprintf(m->name, sizeof m->name, "csv %.50s", base ? base + 1 : s->path);
    printable_only(m->name);
    snprintf(m->domain, sizeof m->domain, "what passes through the meter");
    return true;
}

/* ---- Windows ---- */

/* Turns the trace's times back into the log's own. */
static void unmap(struct csv *s, struct trace *c)
{
    if (!s->mapped_pulses) return;
    for (size_t i = 0; i < c->n; i++) c->r[i].t = s->map.offset + (c->r[i].t - s->map.at) * s->map.rate;
    s->mapped_pulses = 0;
}

static bool align(struct meter *m, struct error *e)
{
    struct csv *s = m->state;
    struct trace *c = &m->channel[0].trace;
    if (s->mapped_pulses == m->n_pulses) return true;
    if (s->tried_rows == s->rows && s->tried_pulses == m->n_pulses) return false; /* *e still says why */
    unmap(s, c);
    s->tried_rows = s->rows;
    s->tried_pulses = m->n_pulses;
    if (!pulse_align(c, (const double(*)[PULSE_CHIPS + 1]) m->pulse, m->n_pulses, m->pulse_recorded ? -INFINITY : s->opened_at,
                     &s->map, e))
        return fail_in(e, s->path);
    for (size_t i = 0; i < c->n; i++) c->r[i].t = s->map.at + (c->r[i].t - s->map.offset) / s->map.rate;
    s->mapped_pulses = m->n_pulses;
    return true;
}

static bool csv_update(struct meter *m, double t1, struct error *e)
{
    struct csv *s = m->state;
    const struct trace *c = &m->channel[0].trace;
    if (s->pulse && !m->n_pulses) return fail(e, "%s: found no pulse made, expected one with clock=pulse", s->path);
    if (!s->pulse && fabs(realtime_ahead() - s->ahead) > clock_set_s)
        return fail(e, "%s: found this machine's clock set by %.3f s since the log was opened", s->path,
                    realtime_ahead() - s->ahead);
    s->tried_pulses = 0;
    double until = fmin(t1, clock_now()) + patience_s;
    for (;;) {
        if (!csv_log_read(&s->log, take_row, m, e)) return false;
        bool aligned = !s->pulse || align(m, e);
        if (aligned && c->n && c->r[c->n - 1].t >= t1) break;
        if (clock_now() < until) {
            nanosleep(&(struct timespec){0, 50000000}, NULL);
            continue;
        }
        if (!aligned) return false;
        if (!c->n && s->log.skipped) return fail(e, "%s: %s", s->path, s->log.first_skipped);
        break; /* trace_between says what is missing */
    }
    if (!m->gap_given) m->max_gap_s = fmax(2, 5 * trace_spacing(c));
    return true;
}

static void csv_finish(struct meter *m, struct energy *out)
{
    const struct csv *s = m->state;
    size_t used = strlen(out->remark);
    if (s->pulse) {
        out->clock_error_s = s->map.error_s;
        out->edge_j += s->map.error_s * out->gross_j / (out->interval_s * (double)out->readings);
        used += (size_t)snprintf(out->remark + used, sizeof out->remark - used, "%sclock set by %zu pulse%s to %.2g s",
                                 used ? "; " : "", m->n_pulses, m->n_pulses > 1 ? "s" : "", s->map.error_s);
    }
    if (s->log.skipped && used < sizeof out->remark)
        snprintf(out->remark + used, sizeof out->remark - used, "%s%zu rows skipped, %s", used ? "; " : "", s->log.skipped,
                 s->log.first_skipped);
}

static bool csv_wants_pulse(const struct meter *m)
{
    return ((const struct csv *)m->state)->pulse;
}
static double csv_chip(const struct meter *m)
{
    return ((const struct csv *)m->state)->chip;
}

static void csv_close(struct meter *m)
{
    struct csv *s = m->state;
    if (s) csv_log_close(&s->log);
    free(s);
}

const struct meter_source meter_source_csv = {
    .name = "csv",
    .needs_words = true,
    .open = csv_open,
    .update = csv_update,
    .finish = csv_finish,
    .close = csv_close,
    .wants_pulse = csv_wants_pulse,
    .chip = csv_chip,
};
