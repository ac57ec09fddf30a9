/* csv.h - lines of fields: commas or another separator, quotes as RFC 4180 has them.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_CSV_H
#define HARTREE_CSV_H

#include "base/error.h"

#include <stddef.h>
#include <stdio.h>

/* Cuts a line into fields, in place: each ends in a NUL, without the blanks or quotes around it; a doubled quote within quotes
 * is one. Separator ' ' stands for any run of blanks and tabs. The number of fields, or 0 and *e: a line without any, more than
 * `max`, or a quote without its end. */
size_t csv_split(char *line, char separator, char **fields, size_t max, struct error *e);

/* One field, in quotes where csv_split (or a reader to whom '#' begins a remark) would not give it back otherwise. */
void csv_put(FILE *f, const char *s);

#endif
