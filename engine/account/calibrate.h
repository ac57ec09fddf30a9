/* calibrate.h - measures this machine into a device profile.
 *
 * Rates are those of the engine itself: small models made for it (probe.h) are run, and what their ops take where they stand is
 * divided into what they did, as predict.h's formula has it. The figures:
 *
 *   read_bandwidth, read_peak, noise   vector loads over at least 256 MB and 4 times the last-level cache
 *   read_cache                         the same over 16 KB a thread, 128 KB, 1 MB ... as far as half the last-level cache;
 *                                      nothing is priced by it: it tells the levels apart
 *   peak.*     multiply-adds between registers on every thread
 *   stage      decode steps of a model of 24 layers, 32 wide
 *   linear.*   stream: one row through more weights than four caches hold; decode: through a layer that stays in the cache;
 * group: four rows; prefill and unpack: 16 and 192 rows (48 where there are scalar kernels alone) through a layer;
 *              unpack.memory: 16 rows through the weights of stream
 *              few: what the kernels in use say of themselves (linear.h)
 *   attend.*   heads of 32, 64, 128 and 256, two to seven of them to a key/value head; one row that sees 32 and 768 positions,
 *              96 rows of a prompt, the first and after 288; two of each, so that what a row takes for itself is told from what
 *              it sees
 *   vector.*   of the layers of stream and prefill
 *   picture.*  a scene's file read, and the scene made larger and smaller (picture_cost.h)
 *   pace.*     the time of work that is the same each time (pace.h)
 *   exponent   that of 1, 2 and infinity which tells stream best from decode and read_bandwidth
 *   interval95 (not when quick) from runs of other models, by a profile that is complete but for it (holdout.h)
 *
 * They are measured in rounds, each figure once a round; a figure is the quartile of the faster ones times the load that all
 * figures together show (rounds.h). A quick calibration has one round, and its figures are what that gave. How far the machine
 * is from them at another moment is its pace. Where rounds contradict themselves (more rows seem to take less time, a rate is
 * above the peak) the profile gets what stands to reason instead, as `assumed`.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_CALIBRATE_H
#define HARTREE_CALIBRATE_H

#include "engine/account/device.h"

#include <stdint.h>

/* The longest that the rates were measured with: rows of one micro-batch in linear ops, and positions that attention sees.
 * Rates of fewer lie between measured ones, down to one row. */
enum { CALIBRATED_ROWS = 192, CALIBRATED_POSITIONS = 768 };

struct calibrate_options {
    int threads; /* the most threads to measure; 0: pool_default_threads() */
    bool quick;  /* one thread and all of them only; else 1, 2, 4 ... all */
    double seconds; /* rounds are begun until so much time has passed, one at least; 0: 30, or when quick 1.5,
                       so that one round it is: each of 13 weight types on one thread and on all, 8 s on two cores */
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* or NULL */
    void *progress_ctx;
    const volatile int *interrupted; /* nonzero stops; NULL */
};

/* False and *e if memory or threads are short or it was interrupted; *d then holds nothing to be freed. */
bool calibrate(struct device *d, const struct calibrate_options *o, struct error *e);

/* Into *d what the kernels in use say of themselves, linear.TYPE.few and attend.KV.strip: `assumed`, since nothing here
 * measured it. False and *e if memory is short. */
bool calibrate_kernels(struct device *d, struct error *e);

/* Takes over the energy terms of the profile at `path`, which *d is to replace: they were fitted to metered runs, which no
 * calibration repeats. *kept is how many; 0 where there is no such profile, it has none, it can't be read or is another CPU's:
 * of the last two *lost says which, else its text is empty. False and *e if memory is short. */
bool calibrate_keep_energy(struct device *d, const char *path, size_t *kept, struct error *lost, struct error *e);

/* The device that a command means: the name of a bundled profile (a file of that name needs a "./"), a profile's path, or, for
 * NULL and "this", this machine. Its profile is read from the cache if one is there that fits the CPU, the cores, the kernels
 * in use and this build; else it is measured (quick) and saved there, which `say` is told beforehand, in one line; another
 * build's stays beside it, as .old. That a path's profile is of this machine and another build is told, too, where `say` is not
 * NULL. A cache that can't be written is told and is no error. `interrupted` as in calibrate. */
bool device_find(struct device *d, const char *which, void (*say)(const char *format, ...), const volatile int *interrupted,
                 struct error *e);

/* This machine's profile where that is in the cache, as above: false if it would have to be measured. */
bool device_at_hand(struct device *d);

#endif
