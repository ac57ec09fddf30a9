/* file.h - model files on disk: mmap, split files, zstd.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_FILE_H
#define HARTREE_FILE_H

#include "loader/gguf.h"

/* A model as one set of tables, whether it came from one file, from NAME-00001-of-0000N.gguf and its siblings (given any of
 * them), or from a .gguf.zst (told by its first bytes, not its name). Metadata is the first part's. Owns the mappings. */
struct model_file {
    char *path;             /* as given */
    uint64_t bytes;         /* of all parts on disk (compressed, if so) */
    uint64_t missing;       /* bytes of tensor data that the parts lack; only header_only opens such; not known (0) of a .zst */
    struct gguf *gguf;      /* tables of all parts joined; tensors' .data mapped */
    size_t n_parts;
    struct model_part *parts; /* private */
};

struct file_options {
    bool header_only;         /* tensors' data may be absent and is not mapped in; reads as little as possible */
    uint64_t max_inflated;    /* limit on what a .zst may inflate to; 0: 64 GiB or the machine's free memory, the lesser */
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* NULL, or called while inflating */
    void *progress_ctx;
};

/* NULL and *e ("FILE: PLACE: found X, expected Y") on any failure; a directory, an empty file, a part that is missing, of
 * another model or counted twice, and a .zst without libzstd each have their own line. */
struct model_file *model_file_open(const char *path, const struct file_options *o, struct error *e);
void model_file_close(struct model_file *f);
/* Brings all weights into memory, so that no token waits for a page. Where huge pages are to be had and memory is ample, a
 * part's weights move to them and its mapped pages are let go of as that is done: they are never there twice. Else every page
 * of the map is touched. From then on the file counts as this process's memory. `progress` may be NULL. Moves tensors' .data.
 * */
void model_file_settle(struct model_file *f, void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx);
/* Whether both are the same regular file, by whatever name. */
bool file_is(const char *a, const char *b);
/* Whether `path` is one of the model's own files, by whatever name: a command must not write there. */
bool model_file_is_part(const struct model_file *f, const char *path);

/* ---- Whole small files (prompts, texts) ---- */

/* Reads a whole file or, for "-", stdin. NUL-terminated, length in *size, to be freed. Refuses directories and more than
 * `max` bytes. */
char *file_read(const char *path, size_t max, size_t *size, struct error *e);

/* ---- Output that appears whole or not at all ---- */

/* Opens PATH.partial-PID beside PATH for writing; commit flushes, syncs and renames it over PATH; discard removes it. One
 * that is neither is removed by file_output_cleanup, which is safe to call from a signal handler or at exit. */
struct file_output;
struct file_output *file_output_open(const char *path, struct error *e);
FILE *file_output_stream(struct file_output *o);
bool file_output_commit(struct file_output *o, struct error *e); /* frees o either way; on failure nothing is left behind */
void file_output_discard(struct file_output *o);                 /* frees o */
void file_output_cleanup(void);

#endif
