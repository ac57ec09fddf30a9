/* sweep_parts.h - private to sweep.c, sweep_pictures.c and run.c: what the two kinds of sweep have in common, and what is of
 * pictures alone. SPDX-License-Identifier: MIT */
#ifndef HARTREE_SWEEP_PARTS_H
#define HARTREE_SWEEP_PARTS_H

#include "base/json.h"
#include "engine/laws/sweep.h"

/* Takes a prediction's figures into a point but for prepare_s, which is there before (a window's passes depend on it), cpu_auc,
 * ram_auc, work and steps. False and *e: it knows no time. */
bool sweep_take_prediction(const struct sweep_options *o, struct sweep_point *p, const struct prediction *r, struct error *e);

/* Keeps what of the longest run, that of `point`, goes where: for the picture of it in the report. False and *e: no memory. */
bool sweep_take_cost(struct sweep_model *m, const struct prediction *r, int point, struct error *e);

/* Adds all tensors' names, types, shapes and first bytes. */
void sweep_identify(struct sha256 *h, const struct model *model);

/* Fills in the options of pictures and reads the picture. False and *e. */
bool pictures_begin(struct sweep *s, struct error *e);

/* Plans one model's points and stairs. False and *e, which begins with its path. */
bool pictures_plan(struct sweep *s, int model, struct error *e);

/* Into the text that is hashed: the settings, a point's own, and a model's clamps, as members of the open object. */
void pictures_put_settings(struct json *j, const struct sweep *s);
void pictures_put_point(struct json *j, const struct sweep_point *p);
void pictures_put_clamps(struct json *j, const struct sweep *s, const struct sweep_model *m);

#endif
