/* peak.h - the most that this machine's arithmetic gives, with the peak kernel that is bound (kernel.h: i8_peak, f32_peak).
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PEAK_H
#define HARTREE_PEAK_H

#include "engine/pool.h"
#include "kernels/kernel.h"

/* FLOP/s of all threads of the pool together: the best of several samples of a few milliseconds, since other load only ever
 * takes away. NAN for PEAK_NONE, and where the kernel bound is the scalar one, whose speed says nothing of the machine. */
double peak_rate(enum kernel_peak kind, struct pool *pool);

#endif
