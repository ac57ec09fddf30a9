/* csv_log.h - the text of a meter's log, row by row, while it grows. No clock, no joules: columns become numbers.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_CSV_LOG_H
#define HARTREE_CSV_LOG_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum quantity { LOG_TIME, LOG_POWER, LOG_VOLTAGE, LOG_CURRENT, LOG_ENERGY, LOG_QUANTITIES };

struct csv_log {
    const char *path;
    int fd;
    off_t offset;   /* of what has been read */
    size_t line;    /* lines read so far */
    char separator; /* of the header: ';' ',' '\t', or ' ' for any blanks; 0: no header yet */
    char *header;   /* kept to tell what was expected, and to skip it where a logger was started again */
    struct {
        char name[64]; /* as asked for: a column's name or its number from 1 on; "": the usual names are looked for */
        double unit;   /* what one of it is, in seconds, watts, volts, amperes, joules; 0: 1, and times by their size */
        int column;    /* from 0 on; -1: none */
    } want[LOG_QUANTITIES];
    bool chosen;    /* the user named columns of power, voltage, current or energy */
    size_t skipped; /* rows without the figures that were wanted */
    char first_skipped[160];
    char *rest; /* a line that is not whole yet, or of a chunk */
    size_t rest_len, rest_capacity;
    int hour_key; /* local time's distance from UTC, kept for the hour that it was asked for */
    double hour_offset;
};

/* Opens a regular file. `path` must outlive the log. */
bool csv_log_open(struct csv_log *l, const char *path, struct error *e);
void csv_log_close(struct csv_log *l);

/* Sets one quantity's column from "NAME" or "NAME:UNIT" (s ms us, W mW uW, V mV, A mA, J mJ Wh mWh). False: no such unit. */
bool csv_log_want(struct csv_log *l, enum quantity q, const char *text, struct error *e);

/* Reads what has been added since, and calls row(ctx, v) for each whole row; v[q] is NAN for a quantity without a column. A row
 * with too few columns, or without a finite number where one is wanted, is skipped and counted. False and *e: the columns are
 * not there, the file got shorter, or row() was false. */
bool csv_log_read(struct csv_log *l, bool (*row)(void *ctx, const double v[LOG_QUANTITIES], struct error *e), void *ctx,
                  struct error *e);

#endif
