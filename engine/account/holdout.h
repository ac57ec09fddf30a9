/* holdout.h - how far off a fresh profile is, on runs that no rate of it came from.
 *
 * Small models of other widths, mixtures of types and lengths than calibration's are predicted, then run. Their residuals give
 * the 95 % interval of predictions on this machine (conformal.h): of models and lengths like these (up to 300 tokens), for as
 * long as the machine stays as it was then. Large models and long contexts may err more; `hartree laws text` tells how much.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_HOLDOUT_H
#define HARTREE_HOLDOUT_H

#include "engine/account/probe.h"

enum { HOLDOUT_RUNS = 20 };

/* residuals[HOLDOUT_RUNS]: by what factor each run's seconds on so many threads are off, up or down, less one. `interrupted` as
 * in calibrate.h. False and *e if memory or threads are short, or it was interrupted. */
bool holdout_residuals(double *residuals, const struct device *d, const struct probe_weights *w, int threads,
                       const volatile int *interrupted, struct error *e);

#endif
