/* preprocess.h - from a picture's file to the pixels that a vision tower sees: read, clamped, resized.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PREPROCESS_H
#define HARTREE_PREPROCESS_H

#include "vision/clamp.h"
#include "vision/picture.h"

struct preprocessed {
    struct clamp clamp;        /* which one was used */
    struct clamped fit;        /* and what it made of the size */
    struct picture picture;    /* fit.width x fit.height, not yet normalised */
    double decode_s, resize_s; /* seconds it took to read and decode the file, and to resize it */
};

/* Reads the picture at `path` ("-": stdin), chooses the clamp (clamp_choose) and applies it. A wrong clamp fails before the
 * file is read. False and *e on any failure; *out is to be freed only after success. */
bool preprocess(const char *path, const char *clamp_flag, const struct clamp_keys *keys, struct preprocessed *out,
                struct error *e);
/* The same for a picture's file in memory, and for a picture, which nobody had to read. */
bool preprocess_file(const void *data, size_t size, const char *clamp_flag, const struct clamp_keys *keys,
                     struct preprocessed *out, struct error *e);
bool preprocess_picture(const struct picture *p, const char *clamp_flag, const struct clamp_keys *keys,
                        struct preprocessed *out, struct error *e);
void preprocessed_free(struct preprocessed *p);

/* Writes the pixels as raw bytes, height x width x 3, into a file that appears whole or not at all. */
bool preprocessed_write(const struct preprocessed *p, const char *path, struct error *e);

#endif
