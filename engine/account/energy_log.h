/* energy_log.h - metered runs as a CSV file: what `hartree fit` reads, and what anything that meters a run can write.
 *
 * One line names the columns, in any order; then a line a run. Blank lines and lines that begin with # are skipped; a field may
 * stand in double quotes, doubled inside (RFC 4180). Other columns than these may be there and are not read.
 *
 *   session            text    runs between two idle baselines, with one meter in one place; not empty
 *   device             text    the CPU's name, as the device profile has it
 *   threads            1
 *   tokens             1       prompt and generated
 *   file_bytes         B       of the model file, times the run's steps (validate.h)
 *   time_s             s
 *   idle_w             W       mean of the session's idle baselines, before and after
 *   energy_j           J       of the run, gross: what the meter says, idle included; less than half of what idle takes is
 *                              refused
 *   energy_kind        word    `measured`; `none`, a run without joules, is passed over; `modelled` is refused: nothing is
 *                              fitted to its own predictions
 *   bytes              B       that cross the memory bus (energy_terms.h's Q)
 *   flops.linear.TYPE  FLOP    a column for each weight type that occurs; one that is not there is 0
 *   flops.attend       FLOP    also 0 where it is not there
 *   bytes.vector       B       moved by the other ops; also
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ENERGY_LOG_H
#define HARTREE_ENERGY_LOG_H

#include "engine/account/energy_terms.h"

struct energy_run {
    size_t session; /* counted from 0 over all files of a log: the same name in two files is two sessions */
    int threads;
    double tokens, file_bytes;
    double idle_w;
    double energy_j;         /* measured, gross */
    struct energy_work work; /* its time_s is the run's, measured */
};

enum { ENERGY_SESSION_NAME = 64, ENERGY_MAX_RUNS = 1 << 16, ENERGY_MAX_SESSIONS = 1 << 12 };

/* Zero-initialise; energy_log_free releases it. */
struct energy_log {
    char device[DEVICE_TEXT]; /* of all runs */
    struct energy_run *runs;
    size_t n, allocated;
    char (*sessions)[ENERGY_SESSION_NAME]; /* names */
    size_t n_sessions, sessions_allocated;
    size_t without_energy; /* runs of kind `none`, which are not in `runs` */
};

/* Adds a file's runs. False and *e ("FILE: line N: found X, expected Y") if columns lack (all are named), a field is no number
 * in its range, joules are modelled, the runs are of another device than those before, or one of them was read before (in a
 * session of the same name, with the same seconds and joules); *log then has what it had before, and perhaps more: free it. */
bool energy_log_read(struct energy_log *log, const char *path, struct error *e);
void energy_log_free(struct energy_log *log);

/* Writes the line of columns, with all classes that there are, and a run. `kind` is "measured", "modelled" or "none"; joules,
 * or an idle power, that are not known are left empty. */
void energy_log_head(FILE *f);
void energy_log_run(FILE *f, const struct energy_run *run, const char *session, const char *device, const char *kind);

#endif
