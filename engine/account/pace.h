/* pace.h - how fast a machine is at the moment: the time of two pieces of work that are the same each time.
 *
 * A host that several machines share, or one that grows warm, changes its speed by tens of percent within minutes. A profile
 * measured at one moment is then off at another, however good its formula. So calibration keeps the time of these pieces
 * (pace.prefill.T, pace.decode.T), and whoever measures a prediction later measures them again beside it: what the two have in
 * common is the machine's, the rest is the prediction's.
 *
 * `prefill` is 64 rows through a layer of 7 MB, each weight read once for all rows, and so the pace of arithmetic; `decode` is
 * a single row through more weights than the last-level cache holds. Both of Q4_K, by the engine itself.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PACE_H
#define HARTREE_PACE_H

#include "base/error.h"
#include "engine/account/device.h"

enum { PACE_PREFILL, PACE_DECODE, PACES };
extern const char *const pace_names[PACES]; /* "prefill", "decode" */

/* Makes the two pieces ready, in memory of their own (pace_bytes). NULL and *e: memory or threads are short. */
struct pace *pace_new(int threads, double llc, struct error *e);
void pace_free(struct pace *p);

/* Weights that `decode` reads: twice the last-level cache, within 64 and 512 MB. */
size_t pace_bytes(double llc);

/* Seconds that pace_take needs where the pieces take so long. */
double pace_takes(const double seconds[PACES]);

/* Seconds of each piece, the mean of its runs over some 60 ms and of two at least. False and *e: the work failed. */
bool pace_take(struct pace *p, double seconds[PACES], struct error *e);

/* Seconds of each piece at calibration, with so many threads. False: it did not keep them all, and `usual` is not all filled. */
bool pace_usual(const struct device *d, int threads, double usual[PACES]);

/* Makes the pieces ready for a device whose calibration kept their time with so many threads; `usual` is that time. NULL
 * without *e being set: it did not. */
struct pace *pace_of(const struct device *d, int threads, double usual[PACES], struct error *e);

#endif
