/* overlay.h - a model in which some matrices are others, without a file: to see what a change does before it is written.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_OVERLAY_H
#define HARTREE_OVERLAY_H

#include "engine/model.h"

struct overlay {
    struct model model; /* for plan_new, session_new and what else borrows a model; never model_close */
    struct gguf gguf;   /* private */
    const struct gguf *original;
};

/* Borrows m. False and *e for want of memory. */
bool overlay_new(struct overlay *o, const struct model *m, struct error *e);
void overlay_free(struct overlay *o);

/* The tensor of this name is now these floats, of its own shape; borrowed. NULL: as it was. A name that the model lacks changes
 * nothing. */
void overlay_put(struct overlay *o, const char *name, const float *data);

#endif
