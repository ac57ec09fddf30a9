/* picture.h - pictures in memory, read from and written to files.
 *
 * Reads PNG (through libpng, where the build has it: vision/png.c) and PPM and PGM (P2, P3, P5, P6; vision/pnm.c). Whatever a
 * file holds becomes 8-bit RGB the way stb_image makes it for llama.cpp, so that the same file gives the same pixels there and
 * here: gray is repeated, a palette looked up, 1, 2 and 4 bits stretched to 0..255, of 16 bits the upper 8 kept, alpha dropped
 * (not blended with anything), gamma, colour profiles and EXIF left alone. Samples of a PNM file with a maxval other than 255
 * are scaled by 255 / maxval and rounded to the nearest.
 *
 * A file is not trusted: its size is checked against the limits below and the free memory before anything is allocated for it.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PICTURE_H
#define HARTREE_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

enum {
    PICTURE_MAX_FILE = 256 << 20,   /* bytes of a file */
    PICTURE_MAX_SIDE = 65535,       /* pixels of a file's width or height */
    PICTURE_MAX_PIXELS = 128 << 20, /* of any picture: 384 MiB in memory */
};

struct picture {
    int width, height;
    uint8_t *rgb; /* height rows of width pixels of 3 bytes, nothing between them */
};

/* A black picture. False and *e (out->rgb is NULL then) beyond PICTURE_MAX_PIXELS or half of the free memory. */
bool picture_new(struct picture *out, int64_t width, int64_t height, struct error *e);
void picture_free(struct picture *p);

/* Reads a size such as "1024x720": whole numbers from 1 to PICTURE_MAX_SIDE. */
bool picture_parse_size(const char *text, int *width, int *height);
#define PICTURE_SIZE_WORDS "WxH, each from 1 to 65535, as in 1024x720"
_Static_assert(PICTURE_MAX_SIDE == 65535, "PICTURE_SIZE_WORDS says it");

/* Reads the picture in a file's bytes, told by its first ones. On failure out->rgb is NULL and *e says what is wrong; what is a
 * picture of another kind (JPEG, WebP, GIF ...) gets a line that says how to convert it. */
bool picture_decode(const void *data, size_t size, struct picture *out, struct error *e);
/* The same for a file by its path, or "-" for stdin; *e begins with it, by the name that picture_name gives. */
static inline const char *picture_name(const char *path)
{
    return strcmp(path, "-") ? path : "stdin";
}
bool picture_read(const char *path, struct picture *out, struct error *e);

/* Whether picture_write can write a file of this name: it ends in .png (where this build has libpng) or .ppm. */
bool picture_writable(const char *path, struct error *e);
/* Writes 8-bit RGB as PNG or PPM, by the end of the name. The file appears whole or not at all. */
bool picture_write(const struct picture *p, const char *path, struct error *e);

/* The picture as a file in memory, *size bytes to be freed: PNG where this build has libpng, else PPM. NULL and *e. */
void *picture_file(const struct picture *p, size_t *size, struct error *e);

/* libpng's version, or NULL where hartree was built without it. */
const char *picture_libpng(void);

#endif
