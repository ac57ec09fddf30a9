/* rounds.h - figures that are measured once a round, and what all rounds say of each.
 *
 * A machine that nobody shares gives the same figure each round. A shared one has states that alternate within tenths of a
 * second (a neighbour on the core's other thread takes a third of its speed), and a figure of a few milliseconds falls into one
 * or the other. A disturbance only ever makes things slower, so that the faster rounds agree with each other (J. Chen and J.
 * Revels, "Robust benchmarking in noisy environments", 2016, arXiv 1608.04295): their quartile, which a single lucky reading
 * does not move, tells one op from another. How much longer the machine takes than in its faster rounds, all figures tell
 * together. A figure is then the quartile times that load: what work of seconds takes in minutes like those of the rounds.
 * Faster is less where a figure is seconds, and more where it is a rate.
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

/* What a load slows: arithmetic, or reading weights from memory (read_*, *.stream.*, pace.decode.*). */
enum { LOAD_ARITHMETIC, LOAD_MEMORY, LOADS };

/* Zero-initialise; rounds_free releases it. */
struct rounds {
    struct rounds_figure *figures; /* in the order in which they were first noted */
    size_t n, allocated;
    double load[LOADS]; /* times as long as in the faster rounds, 1 or more; 0 before rounds_weigh */
};
void rounds_free(struct rounds *r);

/* Adds a value to the figure at `key` (fewer than DEVICE_KEY characters), which the first one makes. Of more than ROUNDS_MOST
 * the first are kept. False and *e if memory is short. */
bool rounds_note(struct rounds *r, const char *key, bool seconds, double value, struct error *e);

/* The figure at `key`; NULL if nothing was noted there. It moves when another figure is made. */
const struct rounds_figure *rounds_find(const struct rounds *r, const char *key);

/* The quartile of the faster values, between the two nearest (median.h): of one value itself. NAN of NULL. */
double rounds_quartile(const struct rounds_figure *f);

/* Sets the loads: the median, over the figures of each sort that have three values or more, of their mean time by the time at
 * their quartile; 1 where there are none. False and *e if memory is short. */
bool rounds_weigh(struct rounds *r, struct error *e);

/* The quartile at the load of the figure's sort (after rounds_weigh). NAN of NULL. */
double rounds_usual(const struct rounds *r, const struct rounds_figure *f);

/* The largest value, whatever the figure: of a rate, the most that was ever reached. NAN of NULL. */
double rounds_largest(const struct rounds_figure *f);

#endif
