/* allocate.h - how many parameters each unit gets of a common budget.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ALLOCATE_H
#define HARTREE_ALLOCATE_H

#include "engine/compress/unit.h"

/* The least share of all parameters that ranks can have: every unit's least step, or all of it where that is less. From shapes
 * alone. */
double allocate_least(const struct unit *u, size_t n, bool gauge, enum type core);

/* Sets the rank of each unit so that the sum of weight * error[rank] is least, as far as a common price for a parameter finds
 * it, with at most `ratio` of all parameters. Ranks are multiples of the unit's step, or full. A gauged unit's parameters are
 * not convex in its rank, so at each price every rank is looked at. False and *e where the least ranks are too many. */
bool allocate_ranks(struct unit *u, size_t n, double ratio, bool gauge, enum type core, struct error *e);

#endif
