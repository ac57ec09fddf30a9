/* codec.h - private to picture.c: the file formats. Each decoder is given bytes that begin with its signature, checks the size
 * before it allocates, and leaves out->rgb NULL on failure; each encoder writes to a stream whose errors its owner sees too.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_CODEC_H
#define HARTREE_CODEC_H

#include <stdio.h>

#include "vision/picture.h"

/* Whether a file may say that it holds a picture of this size. */
bool codec_size_ok(uint64_t width, uint64_t height, struct error *e);

bool png_decode(const void *data, size_t size, struct picture *out, struct error *e);
bool png_encode(const struct picture *p, FILE *f, struct error *e);

bool pnm_decode(const void *data, size_t size, struct picture *out, struct error *e);
bool pnm_encode(const struct picture *p, FILE *f, struct error *e);

#endif
