/* mix.h - which type each tensor of a quantised model gets: "Q4_K_M" and its kin.
 *
 * The one place for this rule; shapes, synth and quantize all read it. The mixes are llama.cpp's (llama_tensor_get_type in
 * src/llama-quant.cpp, for dense models without an importance matrix), so that a file from here has the types, and the size, of
 * one from llama-quantize. A plain type ("Q4_K", "F16") is llama-quantize's --pure: every matrix in that type.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_MIX_H
#define HARTREE_MIX_H

#include "base/error.h"
#include "tensor/tensor.h"

struct mix; /* its rows are in mix.c */

const struct mix *mix_at(size_t i); /* NULL past the end */
/* By name, any case. NULL and *e naming the known ones if there is none. */
const struct mix *mix_find(const char *name, struct error *e);
const char *mix_name(const struct mix *m);
/* Whether it is one type for every matrix. */
bool mix_is_pure(const struct mix *m);
/* The value of general.file_type for it. */
uint32_t mix_file_type(const struct mix *m);

/* What the rule must know of the model. */
struct mix_model {
    int n_layer, n_head, n_head_kv;
    bool tied; /* no output.weight: token_embd.weight is the output */
};

/* Whether a mix decides t's type at all: matrices named *.weight, but no norms and no position tables. */
bool mix_applies(const struct tensor *t);

/* The type for t, judged by its name ("blk.LAYER.attn_v.weight") and ne[0]; a type whose block does not divide ne[0] gives way
 * to one that does. Only for a tensor that mix_applies to. */
enum type mix_type(const struct mix *m, const struct mix_model *model, const struct tensor *t);

#endif
