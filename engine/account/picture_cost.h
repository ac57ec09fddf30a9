/* picture_cost.h - what a picture takes before a vision tower sees it: its file read and the picture resized, on one thread.
 *
 *     seconds = open + pixel * pixels of the file + sum over passes of (output + tap * taps) * pixels that the pass makes
 *
 * Resizing has two passes, across and down, and one whose length stays leaves it out (resize.h). A pixel is made of
 * 4 max(1, scale) others, its taps: the cubic reaches two to each side, stretched when shrinking. Both passes have the same
 * rates, though their loops differ: right where sides change alike; what a letterbox copies is left out. What a file takes to
 * read depends on what is in it; `pixel` is of a scene (scene.h) of 1024 x 720, and a third less in one twice as long.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PICTURE_COST_H
#define HARTREE_PICTURE_COST_H

#include "engine/account/device.h"
#include "vision/clamp.h"

enum { PICTURE_OPEN, PICTURE_PIXEL, PICTURE_OUTPUT, PICTURE_TAP, PICTURE_RATES };
extern const char *const picture_rate_names[PICTURE_RATES]; /* "open" ..., of a profile's picture.open ... */

/* By the rates of a profile; NAN where it lacks one. */
double picture_seconds(const struct device *d, const struct clamped *fit);

/* Bytes of the picture as it was read and as the tower gets it. The first is freed before the tower begins, but where pictures
 * follow each other a C library keeps it for the next (glibc: up to 32 MB): both count throughout. */
double picture_bytes(const struct clamped *fit);

/* What the rates are measured by: a small picture read and resized; a scene read, made larger and made much smaller. */
enum { PICTURE_SMALL_READ, PICTURE_SMALL_RESIZE, PICTURE_READ, PICTURE_LARGER, PICTURE_SMALLER, PICTURE_TIMES };

/* picture_probe_new makes the scene ready; NULL and *e: no memory. picture_probe_take times each once, in seconds above 0;
 * false and *e: no memory. */
struct picture_probe *picture_probe_new(struct error *e);
bool picture_probe_take(const struct picture_probe *p, double seconds[PICTURE_TIMES], struct error *e);
void picture_probe_free(struct picture_probe *p);

/* The rates that such times tell, 0 or more. Where times contradict each other (more pixels took less) the rates that they
 * concern are so said to be, and are what fits both best. */
void picture_rates(const double seconds[PICTURE_TIMES], double rates[PICTURE_RATES], bool contradicted[PICTURE_RATES]);

#endif
