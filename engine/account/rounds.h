/* rounds.h - figures that are measured once a round, and what all rounds say of each.
 *
 * A disturbance only ever makes things slower, so that the faster rounds are those to keep: their quartile, which a single
 * lucky reading does not move (calibrate.h has the reasons). Faster is less where a figure is seconds, and more where it is a
 * rate.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ROUNDS_H
#define HARTREE_ROUNDS_H

#include "engine/account/device.h"

enum { ROUNDS_MOST = 64 };

struct rounds_figure {
    char key[DEVICE_KEY];
    bool seconds; /* fewer are faster; else a rate */
    size_t n;
    double values[ROUNDS_MOST]; /* in the order of the rounds */
};

/* Zero-initialise; rounds_free releases it. */
struct rounds {
    struct rounds_figure *figures; /* in the order in which they were first noted */
    size_t n, allocated;
};
void rounds_free(struct rounds *r);

/* Adds a value to the figure at `key` (fewer than DEVICE_KEY characters), which the first one makes. Of more than ROUNDS_MOST
 * the first are kept. False and *e if memory is short. */
bool rounds_note(struct rounds *r, const char *key, bool seconds, double value, struct error *e);

/* The figure at `key`; NULL if nothing was noted there. It moves when another figure is made. */
const struct rounds_figure *rounds_find(const struct rounds *r, const char *key);

/* The quartile of the faster values, between the two nearest (median.h): of one value itself. NAN of NULL. */
double rounds_quartile(const struct rounds_figure *f);

/* The largest value, whatever the figure: of a rate, the most that was ever reached. NAN of NULL. */
double rounds_largest(const struct rounds_figure *f);

#endif
