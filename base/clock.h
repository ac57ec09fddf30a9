/* clock.h - the time that runs are measured in.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_CLOCK_H
#define HARTREE_CLOCK_H

/* Seconds of a clock that never goes back; only differences mean anything. */
double clock_now(void);

#endif
