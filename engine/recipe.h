/* recipe.h - which structure the linear layers of a made-up model get, so that factorised models of any kind can be predicted
 * and written without a compressor. SPDX-License-Identifier: MIT */
#ifndef HARTREE_RECIPE_H
#define HARTREE_RECIPE_H

#include "engine/mix.h"
#include "loader/gguf.h"
#include "tensor/mpo.h"

struct shape;

/* What stands after "mpo," in a shape's name. */
struct mpo_recipe {
    bool used;
    bool dense; /* no cores: dense matrices with corrections */
    int d;      /* cores; of two, o = (out / s, s), i = (s, in / s), or o = (out, 1), i = (u, in / u); more are balanced */
    int s, u;
    int bond;     /* 0: as large as `ratio` allows */
    double ratio; /* of the dense layer's parameters */
    bool gauge, joint, bias, permuted;
    bool reversed;     /* the factors of two cores the other way round, a case for another order */
    bool shuffled;     /* a gauge's pivots in no order; else they rise from column to column, as compress writes them */
    int keep, correct; /* columns kept, rank of a correction */
};

/* Reads "d=2,s=1,u=1,bond=R,ratio=R,gauge,joint,bias,permuted,reversed,shuffled,keep=K,correct=R,dense", any of them; false and
 * *e for another word. */
bool recipe_parse(const char *text, size_t len, struct mpo_recipe *r, struct error *e);

/* Puts cores and corrections in the place of the matrices among `tensors`, a list as shape_tensors makes it, which is freed;
 * the new list, *n long, is the caller's. NULL and *e if the structure does not suit the shape, or for want of memory. */
struct tensor *recipe_apply(const struct shape *s, const struct mix *mix, struct tensor *tensors, size_t *n, struct error *e);

/* The metadata of the convention (docs/mpo.md) into a writer. */
void recipe_describe(const struct shape *s, struct gguf_writer *w);

/* The numbers of an I32 tensor of such a list (pivots, permutations, kept columns): the same for the same name. */
void recipe_indices(const struct shape *s, const struct tensor *t, int32_t *out);

#endif
