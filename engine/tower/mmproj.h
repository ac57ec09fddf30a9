/* mmproj.h - the vision file beside a language model (GGUF of architecture "clip"): facts and tensors of Qwen2-VL's tower, all
 * checked against each other before anything runs.
 *
 * What the file says of the FFN's width is not believed (converters write other numbers there): it follows from the tensors.
 * Files of 2024 have the FFN's two matrices under each other's name: they are told by their shape. Tensors that the tower does
 * not use are left alone. Format: github.com/ggml-org/llama.cpp, tools/mtmd/clip-impl.h and clip.cpp.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_MMPROJ_H
#define HARTREE_MMPROJ_H

#include <limits.h>

#include "engine/model.h"
#include "vision/clamp.h"

/* The layers of a block that multiply, and the norms that come before them. */
enum mmproj_layer { MMPROJ_Q, MMPROJ_K, MMPROJ_V, MMPROJ_OUT, MMPROJ_FC1, MMPROJ_FC2, MMPROJ_LAYERS };

struct mmproj_tensors {
    const struct tensor *w, *b;
};

struct mmproj_block {
    struct mmproj_tensors norm1, norm2, layer[MMPROJ_LAYERS];
};

struct mmproj {
    struct model model;          /* hp: layers, widths, heads, eps; n_vocab is 0. file or header as a language model has them */
    struct clamp_keys keys;      /* patch, merge, and what the file says of a picture's size */
    enum activation activation;  /* of the FFN */
    float mean[3], std[3];       /* of red, green, blue in 0..1 */
    int n_out;                   /* elements of an embedding: the language model's n_embd */
    struct tensor kernel[2];     /* one for each frame of a pair, as matrices [3 patch^2, n_embd] */
    struct mmproj_block *blocks; /* hp.n_layer, owned */
    struct mmproj_tensors post_norm, merge1, merge2;
};

/* Opens the file; flags are model.h's. NULL and *e ("FILE: PLACE: found X, expected Y"); free with mmproj_close. */
struct mmproj *mmproj_open(const char *path, const struct file_options *o, int flags, struct error *e);

/* The tower's file beside a language model's: the only one in its folder that has "mmproj" in its name and ends in .gguf, as
 * they are published. False and *e: there is none, or several, or the path is too long. */
bool mmproj_beside(const char *model, char path[PATH_MAX], struct error *e);

/* The tower of a bundled shape, "qwen2-vl-2b:F16", without weights: for costs (tower_shapes.h). */
struct mmproj *mmproj_from_shape(const char *spec, struct error *e);

void mmproj_close(struct mmproj *m); /* NULL is fine */

#endif
