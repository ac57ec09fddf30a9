/* tower_price.h - what a picture will cost a vision tower, by a device's rates, and whether that is affordable.
 * (tower_cost.h has the tower of Qwen2-VL in closed form, without a plan.)
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_TOWER_PRICE_H
#define HARTREE_TOWER_PRICE_H

#include "engine/account/predict.h"
#include "engine/tower/tower.h"

/* Predicts it: the rows are the tower's ops, all in the phase of prefill. `d` may be NULL: then no time is known. False and *e
 * if memory is short; *r is to be freed by prediction_free. */
bool tower_predict(struct prediction *r, const struct tower *t, const struct device *d, int threads, const struct clamped *fit,
                   struct error *e);

/* Refuses what can't be afforded, in one line: a picture that does not fit (tower_fits) or, where max_seconds > 0, takes longer
 * than that by the prediction r, or for a time not known. */
bool tower_afford(const struct tower *t, const struct clamped *fit, const struct prediction *r, double max_seconds,
                  struct error *e);

enum { TOWER_PRICE_LINE = 256 };
/* "301.5 MFLOP, 2.1 MB beside 1.2 MB of weights, 23 ms predicted", or why no time is. */
void tower_price_line(const struct prediction *r, char line[TOWER_PRICE_LINE]);

/* What a picture becomes and what that costs, as it is said before it is encoded: clamp_line's words, a semicolon, the line
 * above. */
enum { TOWER_OFFER_LINE = CLAMP_LINE + 2 + TOWER_PRICE_LINE };

void tower_offer_line(const struct preprocessed *p, const struct prediction *r, char line[TOWER_OFFER_LINE]);

#endif
