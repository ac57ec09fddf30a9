/* pulse.h - where in a log a known pattern of busy and idle lies.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PULSE_H
#define HARTREE_PULSE_H

#include "engine/meter/meter.h"
#include "engine/meter/trace.h"

/* The log's clock by this machine's: log = offset + rate * (machine - at). */
struct alignment {
    double at, offset, rate;
    double error_s; /* half the log's spacing, and how far the pattern could be moved without fitting worse than noise allows */
};

/* Finds n >= 1 pulses (PULSE_CHIPS + 1 edges each, machine's clock) in a trace of the log's times, not before log time
 * `from`. False and *e: the log does not cover them, nothing like them is there, or several places are. */
bool pulse_align(const struct trace *log, const double (*pulse)[PULSE_CHIPS + 1], size_t n, double from, struct alignment *a,
                 struct error *e);

/* Makes one of chips of `chip` seconds on `threads` threads, the caller among them; edges gets when. */
bool pulse_make(int threads, double chip, const volatile int *stop, double edges[PULSE_CHIPS + 1], struct error *e);

#endif
