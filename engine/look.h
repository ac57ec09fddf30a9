/* look.h - pictures of files into a prompt: seen by a tower, then placed where the text has its marks.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_LOOK_H
#define HARTREE_LOOK_H

#include "engine/album.h"
#include "engine/model.h"

struct look_options {
    const char *images; /* paths, with commas between them */
    const char *mmproj;
    const char *clamp; /* or NULL: what the mmproj says */
    int threads;
    size_t max_tokens;                    /* that the context has room for */
    void (*say)(const char *format, ...); /* what the clamp made of each picture; NULL: nobody hears */
    const struct device *device;          /* to predict the tower's time by; NULL: it is not known */
};

/* What the pictures took, all together. */
struct looked {
    double read_s;      /* their files decoded, and resized */
    double vision_s;    /* the tower */
    double predicted_s; /* of vision_s, before; NAN: not known */
    double predicted_j; /* joules of the tower, before, gross and modelled; NAN: not known */
};

/* Whether a model reads what a tower makes. False and *e: it has no vision, or rows of another width. */
struct tower;
bool look_fits(const struct model *m, const struct tower *t, struct error *e);

/* Adds the pictures to *a; `looked` may be NULL. False and *e, before any picture is encoded where that can be seen: the model
 * has no vision, the tower's rows are not as wide as the model's, a picture has more tokens than there is room for, or it can't
 * be read. */
bool look(struct album *a, const struct model *m, const struct look_options *o, struct looked *looked, struct error *e);

/* The text with a mark ("<|vision_start|><|image_pad|><|vision_end|>") before it for each of n pictures; as it is where it has
 * marks of its own. NULL: no memory. To be freed. */
char *look_mark(const char *text, size_t n);

/* Puts the pictures' ids where the text has its <|image_pad|>. False and *e if there are not as many of them as pictures. */
bool look_place(const struct tokenizer *t, const struct album *a, struct tokens *ids, struct error *e);

#endif
