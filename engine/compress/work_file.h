/* work_file.h - what a long piece of work has done so far, on disk, so that it goes on where it was interrupted.
 *
 * Records of bytes, each with a kind and a number, behind a line that names the work by a hash: those of other settings are
 * never taken for these. A record is appended and synced whole, with a digest of it; one that a kill cut short or a disk
 * spoilt is dropped when the file is opened again, and those behind it. One process at a time may hold a file. Not for other
 * machines: bytes are as they lie in memory.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_WORK_FILE_H
#define HARTREE_WORK_FILE_H

#include "base/error.h"
#include "base/sha256.h"

#include <stddef.h>
#include <stdint.h>

struct work_file;

/* Opens FILE or makes it. One of another key is begun anew, or, with `keep`, refused if it holds anything. NULL and *e: that,
 * it is no work file, and so someone's, another process holds it, or it can't be read or written. */
struct work_file *work_file_open(const char *path, const char key[SHA256_HEX], bool keep, struct error *e);
/* `done`: the file has served, and is removed; so is one without a record. */
void work_file_close(struct work_file *w, bool done);

bool work_file_has(const struct work_file *w, uint32_t kind, uint32_t number);
/* Puts n pieces one after another. */
struct work_piece {
    const void *data;
    size_t bytes;
};
bool work_file_add(struct work_file *w, uint32_t kind, uint32_t number, const struct work_piece *pieces, size_t n,
                   struct error *e);
/* The bytes of a record that is there, to be freed. */
void *work_file_read(const struct work_file *w, uint32_t kind, uint32_t number, size_t *bytes, struct error *e);

#endif
