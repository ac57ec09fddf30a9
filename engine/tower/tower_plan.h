/* tower_plan.h - a vision tower as a plan.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_TOWER_PLAN_H
#define HARTREE_TOWER_PLAN_H

#include "engine/plan.h"
#include "engine/tower/mmproj.h"

/* A step of it has as many rows as there are patches, in the order of engine/ops/picture.c, and as many outputs as tokens. All
 * layers share one layer's cache of keys and values, from position 0 on. NULL and *e; borrows m. */
struct plan *tower_plan_new(const struct mmproj *m, bool exact, struct error *e);

#endif
