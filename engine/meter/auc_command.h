/* auc_command.h - any program measured by one protocol: idle, the program, idle.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_AUC_COMMAND_H
#define HARTREE_AUC_COMMAND_H

#include <stdio.h>

#include "engine/meter/auc.h"
#include "engine/meter/meter.h"

struct auc_command_options {
    double hz;     /* as auc_options */
    double idle_s; /* length of each of the two idle intervals; 0: none, then what the machine took above idle is not known */
    struct meter *meter;             /* borrowed; NULL: no joules */
    FILE *samples;                   /* NULL, or where auc_write_csv puts the samples */
    const volatile int *interrupted; /* nonzero ends an idle interval; NULL */
};

struct auc_command_result {
    struct auc_result use;  /* from the program's start to its end, all its descendants included */
    struct energy energy;   /* in the same window, of whatever the meter sees; its kind is none without a meter */
    char energy_error[256]; /* why the meter that was there gave nothing, or "" */
    int status;             /* its exit status; 128 + N if signal N ended it, as a shell says it; 127 and 126: see below */
    int signal;             /* that ended it, or 0 */
    bool left;              /* something that it started was still running at its end */
};

/* Runs argv (argv[0] is looked for in PATH, argv ends with NULL) with this process's streams, and fills in *r. While it runs,
 * SIGINT, SIGTERM and SIGHUP that some process sends to this one are passed on to it, and so don't end this one; what a
 * terminal sends, it sends to the program itself. SIGPIPE and SIGXFSZ do to the program what they do by default.
 *
 * Adopts what the program leaves behind and waits for all children of this process, so no other may be running.
 *
 * False and *e: it could not be started (r->status 127: no such program, 126: one that can't be run, else 0), interrupted
 * before it was, or sampling failed. */
bool auc_command(char *const argv[], const struct auc_command_options *o, struct auc_command_result *r, struct error *e);

#endif
