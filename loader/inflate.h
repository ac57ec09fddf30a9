/* inflate.h - zstd files in memory, inflated as far as the reader wants. loader/zstd.c is the one file that needs libzstd.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_INFLATE_H
#define HARTREE_INFLATE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct inflate;

/* Whether the bytes begin like a zstd frame. */
bool inflate_recognises(const void *data, size_t size);

/* Begins to inflate `size` bytes, which must outlive it, to at most `max` bytes; 0: 64 GiB or what memory is free, the lesser.
 * NULL and *e without libzstd, without memory, or where the file itself says that it holds more. */
struct inflate *inflate_new(const void *data, size_t size, uint64_t max, struct error *e);
void inflate_free(struct inflate *s); /* and what was inflated; NULL is fine */

/* Inflates until `want` bytes or the end are reached; progress counts the compressed bytes. */
bool inflate_to(struct inflate *s, uint64_t want, void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx,
                struct error *e);

/* What is there so far. The pointer holds until the next inflate_to. */
const void *inflate_bytes(const struct inflate *s, size_t *size);
bool inflate_ended(const struct inflate *s);

/* "1.5.4", or NULL where hartree was built without libzstd. */
const char *inflate_version(void);

#endif
