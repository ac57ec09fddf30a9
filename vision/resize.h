/* resize.h - pictures made another size, and fitted into the size that a clamp chose.
 *
 * The filter is the anti-aliased bicubic of Pillow's Image.resize(BICUBIC), bit for bit, which Hugging Face's processors use
 * and llama.cpp reproduces: Keys' cubic (a = -1/2), stretched by the scale when shrinking; weights normalised in double and
 * rounded to 22 fractional bits; a horizontal pass, rounded and clipped to 8 bits, then a vertical one; a pass that changes
 * nothing is left out. Only + - * / of doubles come before the rounding, so that every machine gets the same bits. That is
 * Pillow up to 12; Pillow 13 runs the vertical pass first at some sizes, which changes last bits there. Source: Keys, Cubic
 * convolution interpolation (1981); Pillow's documentation of its filters, and the fixed point as observed.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_RESIZE_H
#define HARTREE_RESIZE_H

#include "vision/clamp.h"
#include "vision/picture.h"

/* *out becomes a new picture of width x height. False and *e (out->rgb NULL) for sizes below 1 or without memory. */
bool resize_bicubic(const struct picture *in, int width, int height, struct picture *out, struct error *e);

/* *out becomes the new picture that clamp_apply described: `in` scaled to its inner size, in place on black. */
bool resize_fit(const struct picture *in, const struct clamped *fit, struct picture *out, struct error *e);

#endif
