/* attention.h - what an ATTEND op needs besides its buffers.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ATTENTION_H
#define HARTREE_ATTENTION_H

#include "engine/plan.h"

/* Floats that hold the parts of one row's attention to a cache of so many positions. */
size_t attend_scratch(const struct op *op, size_t positions);

#endif
