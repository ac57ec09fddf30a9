/* shapes.h - models known by their numbers alone: for predictions without a download, and for synth.
 *
 * A shape is what config.json says of a published model. From it follow a GGUF's metadata and its list of tensors, so that a
 * shape and a file take the same way through the engine.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_SHAPES_H
#define HARTREE_SHAPES_H

#include "engine/arch.h"
#include "engine/recipe.h"

struct shape {
    const char *name, *alias; /* "llama-3.2-1b"; a second name or NULL */
    bool numbered;            /* given by its numbers, which it is called by; `name` is "shape" */
    const char *arch;         /* general.architecture */
    int n_layer, n_embd, n_head, n_head_kv, head_dim, n_ff, n_vocab, n_ctx;
    bool tied;                /* no output.weight */
    float eps, rope_base;     /* of encoders no rope_base: n_ctx is how many positions they have learned */
    float rope_factor;        /* 0: none; llama: by frequency, in rope_freqs.weight; gemma3: linear */
    int window;               /* of the windowed layers; 0: none */
    int64_t parameters;       /* as published, 0 where nobody published it; rope_freqs.weight does not count */
    int rope_sections[4];     /* qwen2vl: pairs by time, row, column; else 0 */
    const char *assumed;      /* what of the above nobody published, and what was taken instead; NULL: nothing */
    const char *mpo_of, *mpo_as; /* ":mpo" is the shape of this name with this recipe; NULL: this one, with the default */
    struct mpo_recipe mpo;    /* what its linear layers are made of, if not dense matrices */
};

const struct shape *shape_at(size_t i); /* NULL past the end */
bool shape_is_encoder(const struct shape *s);

/* Reads "NAME[:TYPE]" or "L=32,D=4096,H=32,KV=8,F=14336,V=128256[,HD=128][,tied][,arch=qwen2][:TYPE]": layers, width, heads,
 * key/value heads, FFN width, vocabulary, head width (else D / H; "d=" is the same), no output matrix of its own, architecture
 * (else llama). TYPE is a mix, F16 unless given. Either may go on ":mpo" or ":mpo,RECIPE" (recipe.h):
 * factorised layers, by default low-rank ones in identity gauge of half the parameters.
 * *s borrows from `spec`. False and *e naming what is wrong or known. */
bool shape_parse(const char *spec, struct shape *s, const struct mix **mix, struct error *e);

/* The tensors of the shape in their types, without offsets or data, in the order of a file; to be freed. NULL and *e for lack
 * of memory or an unknown architecture. */
struct tensor *shape_tensors(const struct shape *s, const struct mix *mix, size_t *n, struct error *e);

/* What a model of this shape calls itself: "NAME:TYPE", and ":mpo" behind it where layers are factorised. */
enum { SHAPE_NAME = 96 };
void shape_name(const struct shape *s, const struct mix *mix, char name[SHAPE_NAME]);

/* Metadata (all but the vocabulary) and tensor headers into a writer. */
void shape_describe(const struct shape *s, const struct mix *mix, const struct tensor *tensors, size_t n,
                    struct gguf_writer *w);

/* Llama 3's rope factors: freqs[0 .. head_dim / 2) are what each pair's frequency is divided by. */
void shape_rope_factors(const struct shape *s, float *freqs);

#endif
