/* attention.h - what an ATTEND op needs besides its buffers.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ATTENTION_H
#define HARTREE_ATTENTION_H

#include "engine/plan.h"

/* Rows of a step that one chunk takes together: their keys and values are read once for all of them. */
size_t attend_rows(const struct op *op);

/* Floats that hold the parts of one row's attention to a cache of so many positions. */
size_t attend_scratch(const struct op *op, size_t positions);

#endif
