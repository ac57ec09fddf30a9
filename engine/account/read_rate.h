/* read_rate.h - how fast threads read memory together, whatever level of it holds what they read.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_READ_RATE_H
#define HARTREE_READ_RATE_H

#include "engine/pool.h"

/* B/s of the pool's threads together, each reading its own slice of `bytes` with vector loads, as often as to take `seconds` at
 * least, once at least. The memory holds floats of at most 1 and is aligned to 64 bytes. */
double read_rate(struct pool *pool, const void *memory, size_t bytes, double seconds);

#endif
