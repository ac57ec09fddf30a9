/* calibrate.h - measures this machine into a device profile.
 *
 * Rates are those of the engine itself: each is taken from a small plan that holds nothing but the op in question, run by
 * exec_step on the engine's pool with the kernels bound in K, so tiling, dispatch and barriers are those of a real step.
 *
 *   read_bandwidth, read_peak, noise   plain sequential loads over at least 256 MB and 4 times the last-level cache
 *   peak.*     multiply-adds between registers on every thread
 *   stage      steps of many empty stages
 *   linear.*   rows of 1024 elements; one activation row, and 64; weights that stay in the cache
 *   attend.*   256 positions, heads of 128, four query heads to a key/value head; one row, and 16
 *   vector.*   rows of 2048 elements, as many as keep every thread busy
 *   exponent   that of 1, 2 and infinity under which matrices far beyond the cache take the time that predict.h's formula says
 *
 * Each figure is the median of the faster half of its repeats, since other load only ever adds time. A machine that is busy
 * throughout still makes the profile wrong; nothing here can tell it apart.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_CALIBRATE_H
#define HARTREE_CALIBRATE_H

#include "engine/account/device.h"

#include <stdint.h>

struct calibrate_options {
    int threads; /* the most threads to measure; 0: pool_default_threads() */
    bool quick;  /* under 3 s: 1 thread and all, few repeats; else 1, 2, 4 ... all, and many repeats */
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* or NULL */
    void *progress_ctx;
    const volatile int *interrupted; /* nonzero stops; NULL */
};

/* False and *e if memory or threads are short or it was interrupted; *d then holds nothing to be freed. */
bool calibrate(struct device *d, const struct calibrate_options *o, struct error *e);

/* The device that a command means: the name of a bundled profile (a file of that name needs a "./"), a profile's path, or, for
 * NULL and "this", this machine. Its profile is read from the cache
 * if one is there that fits the CPU, the cores and the kernels in use; else it is measured (quick) and saved there, which `say`
 * is told beforehand, in one line. A cache that can't be written is told and is no error. */
bool device_find(struct device *d, const char *which, void (*say)(const char *format, ...), struct error *e);

#endif
