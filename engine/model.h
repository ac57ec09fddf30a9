/* model.h - an opened model: file, facts, numbers, vocabulary, and its tensors by name.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_MODEL_H
#define HARTREE_MODEL_H

#include "engine/arch.h"
#include "engine/text/tokenizer.h"
#include "loader/file.h"

struct model {
    const struct arch *arch;
    struct hparams hp;
    const struct gguf *gguf;       /* of `file`, or of `header` */
    struct tokenizer *tokenizer;   /* NULL when opened for cost only */
    struct model_file *file;       /* NULL for a shape */
    char *header;                  /* a shape's GGUF header in memory, else NULL */
    struct gguf *header_gguf;
    char name[128];                /* general.name, else the file's name */
    uint64_t file_bytes, tensor_bytes, parameters;
};

enum {
    MODEL_HEADER_ONLY = 1,   /* no weights, no tokenizer: for costs */
    MODEL_NO_TOKENIZER = 2,
};

/* Opens a GGUF for running. `o` may be NULL. NULL and *e on failure; free with model_close. */
struct model *model_open(const char *path, const struct file_options *o, int flags, struct error *e);

/* A model without weights from the name of a bundled shape, "llama-3.2-1b" or "llama-3.2-1b:Q8_0", or from numbers,
 * "L=32,D=4096,H=32,KV=8,F=14336,V=128256[,d=128][:TYPE]": for costs. (shapes.c) */
struct model *model_from_shape(const char *spec, struct error *e);

/* Fills a zeroed *m from parsed tables: what model_open and model_from_shape share. `path` stands in for a missing name. */
bool model_bind(struct model *m, const struct gguf *g, const char *path, int flags, struct error *e);

void model_close(struct model *m); /* NULL is fine */

/* Bytes of memory that it takes beside its weights: the file's metadata and tables, the tokenizer's tables. */
size_t model_tables_memory(const struct model *m);

/* What any file tells: tables, name, sizes. The part of model_bind that does not ask for an architecture. */
void model_describe(struct model *m, const struct gguf *g, const char *path);

/* The tensor "blk.LAYER.NAME" (layer < 0: "NAME"), NULL if the model has none. */
const struct tensor *model_tensor(const struct model *m, int layer, const char *name);

#endif
