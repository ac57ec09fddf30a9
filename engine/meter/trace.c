/* SPDX-License-Identifier: MIT */
#include "engine/meter/trace.h"

#include "base/median.h"
#include "base/memory.h"
#include "engine/meter/meter.h"

#include <math.h>
#include <stdlib.h>

static bool push(struct trace *c, double t, double v)
{
    struct reading *r = memory_grow(c->r, &c->capacity, c->n + 1, sizeof *r);
    if (!r) return false;
    c->r = r;
    r[c->n++] = (struct reading){t, v};
    return true;
}

bool trace_add(struct trace *c, double t, double raw)
{
    if (c->n) {
        double before = c->counter ? c->raw : c->r[c->n - 1].v, change = fabs(raw - before);
        if (change > 0 && (!c->step || change < c->step)) c->step = change;
    }
    if (!c->counter) return push(c, t, raw);
    if (c->n) {
        double more = raw - c->raw, limit = TRACE_MAX_WATTS * (t - c->r[c->n - 1].t);
        if (more < 0 && c->wrap_j > 0 && more + c->wrap_j <= limit) more += c->wrap_j;
        /* A reset, or a leap that no machine makes: the mark stands before the new reading, at its time. */
        if (more < 0 || more > limit) {
            if (!push(c, t, NAN)) return false;
            more = 0;
        }
        c->sum += more;
    }
    c->raw = raw;
    return push(c, t, c->sum);
}

void trace_free(struct trace *c)
{
    free(c->r);
    c->r = NULL;
    c->n = c->capacity = 0;
}

double trace_spacing(const struct trace *c)
{
    enum { PLACES = 1000 };
    double gap[PLACES];
    size_t n = c->n < 2 ? 0 : c->n - 1 < PLACES ? c->n - 1 : PLACES;
    for (size_t i = 0; i < n; i++) {
        size_t at = (size_t)((double)i / (double)n * (double)(c->n - 1));
        gap[i] = c->r[at + 1].t - c->r[at].t;
    }
    return n ? median(gap, n) : NAN;
}

/* The first reading later than t, or n. */
static size_t first_after(const struct trace *c, double t)
{
    size_t lo = 0, hi = c->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (c->r[mid].t > t)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

/* The value at t between the readings a and b. */
static double at(struct reading a, struct reading b, double t)
{
    return b.t > a.t ? a.v + (b.v - a.v) * (t - a.t) / (b.t - a.t) : b.v;
}

static double to_nearest(struct reading a, struct reading b, double t)
{
    return fmin(t - a.t, b.t - t);
}

bool trace_between(const struct trace *c, double t0, double t1, double max_gap_s, size_t min_readings, struct span *out,
                   struct error *e)
{
    const struct reading *r = c->r;
    *out = (struct span){.joules = NAN, .max_gap_s = NAN};
    if (!(t1 > t0)) return fail(e, "found a window of %.6g s, expected a positive one", t1 - t0);
    if (!c->n) return fail(e, "found no reading");
    if (r[0].t > t0)
        return fail(e, "found readings from %.3f s after the window's start on, expected one before it", r[0].t - t0);
    double last = r[c->n - 1].t;
    if (last < t1)
        return fail(e,
                    "found no reading in the last %.3f s of the window of %.3f s, expected one after it: was the meter lost?",
                    t1 - fmax(last, t0), t1 - t0);
    size_t first = first_after(c, t0) - 1, end = first_after(c, t1); /* r[first].t <= t0, r[end - 1].t <= t1 */
    if (r[end - 1].t < t1) end++;
    double joules = 0, longest = 0;
    size_t inside = r[first].t == t0;
    for (size_t i = first; i + 1 < end; i++) {
        struct reading a = r[i], b = r[i + 1];
        if (isnan(b.v) || isnan(a.v))
            return fail(e, "found the counter reset %.3f s into the window, expected it to go on", fmax(b.t - t0, 0));
        if (b.t - a.t > max_gap_s)
            return fail(e, "found no reading for %.3f s from %.3f s into the window on, expected one every %.3g s", b.t - a.t,
                        fmax(a.t - t0, 0), max_gap_s);
        longest = fmax(longest, b.t - a.t);
        if (b.t <= t1) inside++;
        double from = fmax(a.t, t0), to = fmin(b.t, t1);
        if (c->counter)
            joules += at(a, b, to) - at(a, b, from);
        else
            joules += 0.5 * (at(a, b, from) + at(a, b, to)) * (to - from);
    }
    if (!c->counter && inside < min_readings)
        return fail(e, "found %zu readings in the window of %.3f s, expected at least %zu of a power", inside, t1 - t0,
                    min_readings);
    *out = (struct span){joules, longest, (t1 - t0) / (double)inside, inside};
    if (!c->counter) return true;
    out->edge_s = to_nearest(r[first], r[first + 1], t0) + to_nearest(r[end - 2], r[end - 1], t1);
    return !min_readings || out->edge_s <= METER_MAX_EDGE * (t1 - t0) ||
           fail(e, "found the readings nearest to the window's ends %.3g s off, expected at most a quarter of its %.3g s",
                out->edge_s, t1 - t0);
}
