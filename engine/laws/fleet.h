/* fleet.h - results of many machines, and shards of sweeps, as one page: `hartree report`.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_FLEET_H
#define HARTREE_FLEET_H

#include "base/error.h"

#include <stddef.h>

enum { FLEET_FILES = 1024 };

/* Reads the results (page.h) and writes the page to `output`, whole or not at all: a column a machine. Shards of one sweep
 * become one column (shards.h) in the place of the first of them; *columns, if not NULL, is how many there are. False and *e: a
 * file can't be read, is no result or the same one as another, shards can't be joined, there are more columns than
 * PAGE_RESULTS, or the page can't be written. */
bool fleet_page(const char *const *files, size_t n, const char *output, size_t *columns, struct error *e);

#endif
