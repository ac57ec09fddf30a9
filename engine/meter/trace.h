/* trace.h - the readings of one sensor, and the joules between two moments.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_TRACE_H
#define HARTREE_TRACE_H

#include "base/error.h"

#include <stddef.h>

/* A power in watts, or a counter of joules made continuous: what it had counted when the trace began is 0. */
struct trace {
    bool counter;
    double wrap_j; /* a counter starts again at 0 after this many joules; 0: it never does */
    size_t n, capacity;
    struct reading {
        double t, v; /* v is NAN where the counter was reset: nothing is known of the time between its neighbours */
    } * r;
    double raw, sum; /* a counter's last raw value, and all counted since the first */
    double step;     /* the smallest change seen between readings; 0: none yet */
};

/* No power that this program meets is larger. A counter that fell is taken to have wrapped if the joules since the last
 * reading are then below this many watts' worth, and to have been reset otherwise. */
enum { TRACE_MAX_WATTS = 5000 };

/* Appends a raw reading of time t, which must be after the last. Not for a reading that failed: leave that out. False: no
 * memory. */
bool trace_add(struct trace *c, double t, double raw);
void trace_free(struct trace *c); /* its readings, not the struct */

/* The usual time between readings: the median over up to a thousand places. NAN: fewer than two readings. */
double trace_spacing(const struct trace *c);

struct span {
    double joules, max_gap_s;
    double edge_s;   /* time at the ends that is guessed: of a counter, from each end to the reading nearest to it; of a power,
                        once   the mean time between readings */
    size_t readings; /* with t0 <= t <= t1 */
};

/* The joules from t0 to t1 by the rules of meter.h; of a power, no fewer than min_readings of them; with 0, only what the
 * joules need is asked for, not what makes them good. False and *e, without the sensor's name. */
bool trace_between(const struct trace *c, double t0, double t1, double max_gap_s, size_t min_readings, struct span *out,
                   struct error *e);

#endif
