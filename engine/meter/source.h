/* source.h - what an energy source is to meter.c. A source is one file with one `const struct meter_source meter_source_NAME`
 * and one row in sources.inc; the row's place is its place in the order of `auto`.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SOURCE_H
#define HARTREE_SOURCE_H

#include "engine/meter/meter.h"
#include "engine/meter/trace.h"

#include <pthread.h>

struct meter_source {
    const char *name;  /* the word of --energy */
    bool automatic;    /* `auto` may take it: it needs nothing but the machine, and can be no other machine's energy */
    bool needs_words;  /* "NAME:WORDS" alone, never "NAME" */
    double interval_s; /* reading it more often gains nothing or costs too much; 0: no limit */
    /* Finds the sensors and adds a channel for each (meter_channel); fills m->name and m->domain. `words` is what stood after
     * the colon, or NULL. Whatever else it needs hangs on m->state, which close releases, also after a failed open. */
    bool (*open)(struct meter *m, const char *words, struct error *e);
    /* One reading of each channel into value[], NAN where it failed, for which *e holds one reason. NULL: update does it. */
    void (*read)(struct meter *m, double *value, struct error *e);
    bool (*wants_pulse)(const struct meter *m); /* NULL: never */
    double (*chip)(const struct meter *m);      /* seconds of a pulse's chip; where wants_pulse may be true */
    /* Called before a window that ends at t1 is judged: brings the traces up to date. May be NULL. */
    bool (*update)(struct meter *m, double t1, struct error *e);
    /* What a reader of the window's figure must know, added to *out. May be NULL. */
    void (*finish)(struct meter *m, struct energy *out);
    void (*close)(struct meter *m);
};

enum { METER_MAX_CHANNELS = 256, METER_MAX_IDLE = 64, METER_MAX_PULSES = 16 };

struct channel {
    char name[32];
    char path[256], path2[256]; /* the system's file that holds the figure; if path2 is not "", one factor each */
    double scale;               /* joules or watts a unit of that */
    struct trace trace;
};

struct meter {
    const struct meter_source *source; /* NULL: none */
    pthread_mutex_t lock;
    char root[200], vcgencmd[200];
    double max_gap_s; /* longest time without a reading that a window may hold */
    bool gap_given;   /* by the caller: the source must not change it */
    char name[64], domain[96];
    struct channel *channel;
    size_t n, capacity;
    double resolution; /* of the sensor by its format; 0: the smallest step seen */
    double last_t;     /* of the last reading */
    void *state;
    size_t n_idle;
    struct idle {
        double t0, t1;
    } idle[METER_MAX_IDLE];
    size_t n_pulses;
    bool pulse_recorded; /* one of them was not made while this meter was open */
    double pulse[METER_MAX_PULSES][PULSE_CHIPS + 1];
};

/* A new channel, all zero but for its name; valid until the next is added. NULL and *e: too many or no memory. */
struct channel *meter_channel(struct meter *m, const char *name, bool counter, struct error *e);

/* ---- Files of /sys and /proc (tree.c) ---- */

/* "ROOT/sys/...": printf into path[size] with the meter's root before it. False if it does not fit. */
bool tree_path(const struct meter *m, char *path, size_t size, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The first line of a file, trimmed, into text[size]. False and *e with the system's reason. */
bool tree_text(const char *path, char *text, size_t size, struct error *e);
/* The number that the file holds, and nothing else. */
bool tree_number(const char *path, double *v, struct error *e);
bool tree_exists(const char *path);
/* Reads every channel from its path; what a source of plain files has for `read`. */
void channels_read(struct meter *m, double *value, struct error *e);
/* Calls visit(ctx, name) for each entry of the folder in the order of version numbers (hwmon2 before hwmon10), while it returns
 * true. False and *e: there is no such folder, no memory, or a visit failed (then *e is the visit's). */
bool tree_list(const char *dir, bool (*visit)(void *ctx, const char *name, struct error *e), void *ctx, struct error *e);

#endif
