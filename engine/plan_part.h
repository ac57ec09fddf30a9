/* plan_part.h - some ops of a plan as a plan of its own, so that a layer, or what follows one, runs by itself.
 *
 * Buffers are the whole plan's: an exec made for that runs any of its parts, one after another, and what one has left in a
 * buffer the next finds there. SPDX-License-Identifier: MIT */
#ifndef HARTREE_PLAN_PART_H
#define HARTREE_PLAN_PART_H

#include "engine/plan.h"

struct plan_part {
    struct plan plan; /* owns its list of ops alone: plan_part_free, never plan_free */
    size_t *from;     /* the number in the whole plan of each op */
};

/* The ops i with keep[i], in their stages less the others. Borrows p. False and *e only for want of memory. */
bool plan_part_new(struct plan_part *part, const struct plan *p, const bool *keep, struct error *e);
void plan_part_free(struct plan_part *part);

#endif
