/* meter.h - joules from whatever this machine has to measure them with.
 *
 * A meter is opened by the word that `--energy` takes, read again and again while something runs, and then asked for the joules
 * between two moments. Times are clock_now()'s (base/clock.h). A joule from here is measured, and says by what; where nothing
 * measures there is no joule: NAN, kind ENERGY_NONE.
 *
 *   auto          the first of rapl, perf, pmic, hwmon, battery that opens; none of them: none
 *   rapl          Linux powercap, package and DRAM zones; rapl:psys the platform zone instead
 *   perf          the same counters by perf_event_open; perf:psys
 *   pmic          Raspberry Pi 5, `vcgencmd pmic_read_adc`; pmic:corrected estimates the board's input from it
 *   hwmon         a power sensor; hwmon:CHIP/power1 names one, '+' adds several: hwmon:ina3221/curr1+ina3221/curr2
 *   battery       a laptop off its charger
 *   csv:FILE      the log of a USB meter that is being written (csv.c lists the keys that may follow)
 *   none
 *
 * How a window is judged, for all sources alike:
 *  - Readings must begin before it and end after it. A meter that was lost gives an error, never the part that it saw.
 *  - Between two readings no more than `max_gap_s` may pass; a reading that failed is no reading.
 *  - A power is integrated by the trapezoid rule, the ends interpolated, and needs at least METER_MIN_READINGS readings in the
 *    window. A counter is subtracted, its ends interpolated over no more than METER_MAX_EDGE of the window; it may wrap where
 *    its range is known, and any other step back is a reset, which no window may span.
 * Sensors give 1 to 1000 readings a second: what one layer took can't be measured by any of them.
 *
 * The functions may be called from different threads at once.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_METER_H
#define HARTREE_METER_H

#include "base/error.h"

#include <stddef.h>
#include <stdio.h>

enum energy_kind { ENERGY_NONE, ENERGY_MODELLED, ENERGY_MEASURED };

/* "none", "modelled", "measured" */
const char *energy_kind_name(enum energy_kind kind);

enum { ENERGY_PARTS = 16, METER_MIN_READINGS = 10 };
#define METER_MAX_EDGE 0.25

/* The joules of one window. NAN: not known. */
struct energy {
    enum energy_kind kind;
    double gross_j;      /* all that the meter saw */
    double net_j;        /* gross_j - idle_w * time; NAN without an idle window */
    double net_error_j;  /* standard error of net_j by the idle power's */
    double idle_w;       /* baseline, mean of the idle windows */
    double idle_error_w; /* its standard error: scatter within the windows or drift between them, whichever is larger */
    double edge_j;       /* what the ends may be wrong by: the time that was interpolated there, at the mean power */
    double interval_s;   /* mean time between readings in the window */
    double max_gap_s;    /* the longest */
    double resolution;   /* the smallest step of a reading: joules of a counter, watts of a power */
    double clock_error_s; /* of a log's clock against this machine's, where a pulse aligned them; else NAN */
    size_t readings;     /* in the window */
    char source[64];     /* "rapl package-0 dram"; "none" */
    char domain[96];     /* what of the machine was seen: "CPU packages and DRAM" */
    char remark[256];    /* what a reader of the figure must know, or "" */
    size_t n_parts;      /* the gross joules by zone, rail or sensor; they sum to gross_j. 0 where there are too many */
    struct energy_part {
        char name[32];
        double joules;
    } part[ENERGY_PARTS];
};

/* Nothing measured: kind ENERGY_NONE, source "none", every figure NAN. */
extern const struct energy energy_none;

/* NULL stands for all zero. */
struct meter_options {
    const char *root;     /* stands before /sys and /proc: a recorded tree; NULL: the system's own */
    const char *vcgencmd; /* the program to ask a Raspberry Pi; NULL: "vcgencmd" from the path */
    double max_gap_s;     /* longest time without a reading; 0: 2 s, of a log 5 times its usual spacing if that is more */
    void (*tried)(void *ctx, const char *source, const char *why); /* of `auto`: each source that did not open; NULL */
    void *ctx;
};

struct meter;

/* Opens `source` (above) and makes sure that it can be read. NULL and *e: a word that is no source, or a source that is not
 * there or not permitted, with what to do about it. "auto" always opens. */
struct meter *meter_open(const char *source, const struct meter_options *o, struct error *e);
void meter_close(struct meter *m); /* NULL is fine */

/* Whether `source` is a word for meter_open, without opening anything; false and *e with the words there are. */
bool meter_known(const char *source, struct error *e);

/* Of an open meter: what it reads, "rapl package-0 dram", and whether it measures at all (false: none). */
const char *meter_source(const struct meter *m);
bool meter_measures(const struct meter *m);
/* Whether meter_sample has anything to do: false of `none` and of a log, which somebody else writes. */
bool meter_reads(const struct meter *m);

/* Takes a reading now. To be called 5 to 100 times a second, and right before and right after what is measured. A source that
 * can't be read so often is left alone until it can. False and *e: this reading failed; later ones may not, and meter_between
 * judges. */
bool meter_sample(struct meter *m, struct error *e);

/* The same for a struct auc_options' tick, with `meter` a struct meter: a reading that fails is a gap, which meter_between
 * judges, and the sampler goes on. */
void meter_tick(void *meter);

/* The joules from t0 to t1 > t0. True without a figure of `none`. False, *e and *out = energy_none where readings do not
 * support one. Of a log that is still being written it waits up to 3 s for t1 to be reached. */
bool meter_between(struct meter *m, double t0, double t1, struct energy *out, struct error *e);

/* Declares that the machine idled from t0 to t1: best once before and once after what is measured. Windows that meter_between
 * is called for later get net joules; where the readings of an idle window do not support a figure, the remark says why there
 * are none. False and *e: no positive time, or too many windows. */
bool meter_idle(struct meter *m, double t0, double t1, struct error *e);

/* ---- A log whose clock is not this machine's (csv:FILE,clock=pulse) ---- */

/* Whether this meter needs pulses: then meter_pulse is to be called right before what is measured, and once more after it
 * where the log's clock may run at another speed. */
bool meter_wants_pulse(const struct meter *m);

/* Keeps all cores busy and idle in a known pattern of PULSE_CHIPS times `chip` seconds (0.5 unless the log's keys say
 * otherwise) and remembers it. Does nothing where no pulse is wanted. False and *e: no thread could be started, or *stop (may
 * be NULL) became nonzero. */
bool meter_pulse(struct meter *m, const volatile int *stop, struct error *e);

/* Adds a pulse that was made earlier: edges[0..n] of its n = PULSE_CHIPS chips, as meter_pulse would have remembered it. */
enum { PULSE_CHIPS = 15 };
bool meter_pulse_add(struct meter *m, const double edges[PULSE_CHIPS + 1], struct error *e);
extern const bool pulse_busy[PULSE_CHIPS]; /* the pattern: Barker's code of length 13 between two idle chips */

/* ---- Printing ---- */

struct json;
/* "energy": {joules, kind, source, ...} as a member of the object that is open. joules are gross. */
void energy_json(struct json *j, const struct energy *e);
/* One line without its end: "12.3 J measured by rapl package-0 (CPU packages and DRAM), 8.1 J above idle"; "not measured". */
void energy_print(const struct energy *e, FILE *f);

#endif
