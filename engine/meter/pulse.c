/* pulse.c - a load that a power meter can't miss, and its place in the meter's log.
 *
 * The pattern is Barker's code of length 13, busy for +1 and idle for -1, between two idle chips: shifted by a chip or more it
 * resembles itself by no more than 1/13. For a shift tau the log's mean power in each chip is fitted by two levels, busy and
 * idle. Contrast times squared correlation ranks the shifts: correlation alone would fall for noise that happens to be shaped
 * so, contrast alone for the run itself.
 * SPDX-License-Identifier: MIT */
#include "engine/meter/pulse.h"

#include "base/clock.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const bool pulse_busy[PULSE_CHIPS] = {0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 1, 0, 1, 0};

/* ---- Making one ---- */

struct maker {
    const double *edges;
    const volatile int *stop;
    pthread_t thread;
};

static bool stopped(const struct maker *m)
{
    return m->stop && *m->stop;
}

static void *make(void *arg)
{
    const struct maker *m = arg;
    volatile double x = 1; /* work that the compiler must not leave out */
    for (int i = 0; i < PULSE_CHIPS && !stopped(m); i++) {
        double left;
        while ((left = m->edges[i + 1] - clock_now()) > 0 && !stopped(m)) {
            if (pulse_busy[i]) {
                for (int k = 0; k < 10000; k++) x = x * 1.0000001 + 1e-9;
            } else {
                left = fmin(left, 0.1);
                nanosleep(&(struct timespec){0, (long)(left * 1e9)}, NULL);
            }
        }
    }
    return NULL;
}

bool pulse_make(int threads, double chip, const volatile int *stop, double edges[PULSE_CHIPS + 1], struct error *e)
{
    struct maker *m = calloc((size_t)threads, sizeof *m);
    if (!m) return fail(e, "pulse: found no memory");
    double start = clock_now() + 0.01;
    for (int i = 0; i <= PULSE_CHIPS; i++) edges[i] = start + chip * i;
    int started = 1;
    m[0] = (struct maker){.edges = edges, .stop = stop};
    for (; started < threads; started++) {
        m[started] = m[0];
        if (pthread_create(&m[started].thread, NULL, make, &m[started])) break;
    }
    make(&m[0]);
    for (int i = 1; i < started; i++) pthread_join(m[i].thread, NULL);
    bool ok = !stopped(&m[0]) || fail(e, "pulse: interrupted");
    free(m);
    return ok && (started == threads || fail(e, "pulse: found no room for thread %d of %d", started + 1, threads));
}

/* ---- Finding them ---- */

enum { MAX_SHIFTS = 1 << 22 }; /* tried, some seconds' work: one wrong time in a log may span centuries */

struct search {
    const struct trace *log;
    double *joules; /* up to each reading */
    const double (*pulse)[PULSE_CHIPS + 1];
    size_t first, end; /* the pulses looked for */
};

struct fit {
    double score, correlation, residual; /* residual: sum of squares, in squared watts */
};

static double joules_until(const struct search *s, double t)
{
    const struct reading *r = s->log->r;
    size_t lo = 0, hi = s->log->n - 1; /* r[lo].t <= t <= r[hi].t */
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (r[mid].t > t)
            hi = mid;
        else
            lo = mid;
    }
    double share = r[hi].t > r[lo].t ? (t - r[lo].t) / (r[hi].t - r[lo].t) : 0; /* a reset's mark shares its time */
    if (s->log->counter) return s->joules[lo] + share * (s->joules[hi] - s->joules[lo]);
    double watts = r[lo].v + share * (r[hi].v - r[lo].v);
    return s->joules[lo] + 0.5 * (r[lo].v + watts) * (t - r[lo].t);
}

static struct fit fit_at(const struct search *s, double shift)
{
    double sum[2] = {0, 0}, squares = 0, n[2] = {0, 0};
    for (size_t p = s->first; p < s->end; p++) {
        double before = joules_until(s, s->pulse[p][0] + shift);
        for (int i = 0; i < PULSE_CHIPS; i++) {
            double after = joules_until(s, s->pulse[p][i + 1] + shift);
            double watts = (after - before) / (s->pulse[p][i + 1] - s->pulse[p][i]);
            sum[pulse_busy[i]] += watts;
            squares += watts * watts;
            n[pulse_busy[i]]++;
            before = after;
        }
    }
    double idle = sum[0] / n[0], busy = sum[1] / n[1], all = (sum[0] + sum[1]) / (n[0] + n[1]);
    double total = squares - (n[0] + n[1]) * all * all, explained = n[0] * n[1] / (n[0] + n[1]) * (busy - idle) * (busy - idle);
    struct fit f = {.residual = fmax(total - explained, 0)};
    if (!(total > 0) || busy <= idle) return f;
    f.correlation = sqrt(fmin(explained / total, 1));
    f.score = (busy - idle) * f.correlation * f.correlation;
    return f;
}

/* Joules up to each reading; false: no memory. A reset's mark counts nothing. */
static bool accumulate(struct search *s)
{
    const struct reading *r = s->log->r;
    if (!(s->joules = malloc(s->log->n * sizeof *s->joules))) return false;
    double sum = 0, last = 0;
    for (size_t i = 0; i < s->log->n; i++) {
        if (s->log->counter)
            sum = isnan(r[i].v) ? sum : r[i].v;
        else if (i)
            sum += 0.5 * (r[i].v + last) * (r[i].t - r[i - 1].t);
        last = r[i].v;
        s->joules[i] = sum;
    }
    return true;
}

/* The best shift in steps over [lo, hi] and the best score more than `apart` away from it. */
static double best_shift(const struct search *s, double lo, double hi, double step, double apart, struct fit *best,
                         double *second)
{
    double at = lo;
    size_t n = (size_t)fmax(floor((hi - lo) / step), 0);
    *best = (struct fit){.score = -1};
    *second = 0;
    for (size_t i = 0; i <= n; i++) {
        double shift = lo + step * (double)i;
        struct fit f = fit_at(s, shift);
        if (f.score <= best->score) {
            if (shift - at > apart) *second = fmax(*second, f.score);
            continue;
        }
        /* Scores near the old best that are now far away were not counted as seconds; the best itself stands for them. */
        if (shift - at > apart) *second = fmax(*second, best->score);
        *best = f;
        at = shift;
    }
    return at;
}

/* How far the shift may move either way before the residual exceeds what its noise explains (95 %). */
static double width(const struct search *s, double at, double chip, double lo, double hi)
{
    double chips = (double)(s->end - s->first) * PULSE_CHIPS, least = fit_at(s, at).residual,
           limit = least * (1 + 4 / (chips - 2));
    double w = 0, step = chip / 512;
    while (w < chip && ((at + w + step <= hi && fit_at(s, at + w + step).residual <= limit) ||
                        (at - w - step >= lo && fit_at(s, at - w - step).residual <= limit)))
        w += step;
    return w;
}

static bool locate(struct search *s, double chip, double from, double spacing, struct alignment *a, struct error *e)
{
    const struct reading *r = s->log->r;
    size_t n = s->end;
    struct fit best;
    double second, lo = fmax(r[0].t, from) - s->pulse[0][0], hi = r[s->log->n - 1].t - s->pulse[n - 1][PULSE_CHIPS];
    if (lo > hi)
        return fail(e, "found no %.1f s of readings that could hold the pulses, expected the log to cover them",
                    s->pulse[n - 1][PULSE_CHIPS] - s->pulse[0][0]);
    if (hi - lo > chip / 8 * MAX_SHIFTS)
        return fail(e, "found times that span %.3g s, expected at most %.3g s to look for pulses in", hi - lo,
                    chip / 8 * MAX_SHIFTS);
    double at = best_shift(s, lo, hi, chip / 8, chip, &best, &second);
    if (best.correlation < 0.8)
        return fail(e,
                    "found no pulse (best correlation %.2f), expected 0.8: is the meter this machine's, and was it else idle?",
                    best.correlation);
    if (second > 0.6 * best.score)
        return fail(
            e, "found more than one place like the pulse (scores %.3g and %.3g W), expected one: start a new log for each run",
            best.score, second);
    double shift[2], error = 0;
    for (size_t k = 0; k < 2; k++) { /* the first pulse, then the last */
        double ignored, l = fmax(at - chip, lo), h = fmin(at + chip, hi);
        s->first = k ? n - 1 : 0;
        s->end = s->first + 1;
        shift[k] = best_shift(s, l, h, chip / 64, chip, &best, &ignored);
        shift[k] =
            best_shift(s, fmax(shift[k] - chip / 32, l), fmin(shift[k] + chip / 32, h), chip / 1024, chip, &best, &ignored);
        if (best.correlation < 0.8)
            return fail(e, "found pulse %zu with a correlation of %.2f, expected 0.8", k ? n : 1, best.correlation);
        error = fmax(error, width(s, shift[k], chip, l, h));
    }
    double apart = s->pulse[n - 1][0] - s->pulse[0][0];
    *a = (struct alignment){
        .at = s->pulse[0][0], .offset = s->pulse[0][0] + shift[0], .rate = 1, .error_s = error + 0.5 * spacing};
    if (n > 1) a->rate = 1 + (shift[1] - shift[0]) / apart;
    if (fabs(a->rate - 1) > 1e-3 + 2 * a->error_s / fmax(apart, chip))
        return fail(e, "found the log's clock running at %.5f of this machine's, expected no more than 0.1 %% from it",
                    a->rate);
    return true;
}

bool pulse_align(const struct trace *log, const double (*pulse)[PULSE_CHIPS + 1], size_t n, double from, struct alignment *a,
                 struct error *e)
{
    double chip = (pulse[0][PULSE_CHIPS] - pulse[0][0]) / PULSE_CHIPS;
    if (log->n < 2) return fail(e, "found %zu readings, expected a pulse of %.1f s", log->n, chip * PULSE_CHIPS);
    double spacing = trace_spacing(log);
    if (chip < 2 * spacing)
        return fail(e, "found a reading every %.3g s, expected two or more in a chip of %.3g s: csv:FILE,chip=%.1f", spacing,
                    chip, ceil(20 * spacing) / 10);
    struct search s = {.log = log, .pulse = pulse, .end = n};
    if (!accumulate(&s)) return fail(e, "found no memory to look for the pulse");
    bool ok = locate(&s, chip, from, spacing, a, e);
    free(s.joules);
    return ok;
}
