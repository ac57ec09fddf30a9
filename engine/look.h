/* look.h - pictures of files into a prompt: seen by a tower, then placed where the text has its marks.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_LOOK_H
#define HARTREE_LOOK_H

#include "base/json.h"
#include "engine/album.h"
#include "engine/model.h"
#include "vision/clamp.h"

struct look_options {
    const char *images; /* paths, with commas between them */
    const char *mmproj;
    const char *clamp; /* or NULL: what the mmproj says */
    int threads;
    bool exact;                           /* the tower's weights dequantised, its keys and values floats: a reference */
    size_t max_tokens;                    /* that the context has room for */
    double max_seconds;                   /* refuse pictures whose tower is predicted to take longer, all together; 0: none */
    void (*say)(const char *format, ...); /* what the clamp made of each picture and what it will cost; NULL: nobody hears */
    const struct device *device;          /* to predict the tower's time by; NULL: it is not known */
    const volatile int *interrupted;      /* nonzero stops; NULL */
};

struct looked_picture {
    struct clamp clamp;
    struct clamped fit;
};

/* What the pictures took, all together. */
struct looked {
    double read_s;      /* their files decoded, and resized */
    double vision_s;    /* the tower */
    double predicted_s; /* of vision_s, before; NAN: not known */
    double predicted_j; /* joules of the tower, before, gross and modelled; NAN: not known */
    struct looked_picture *picture;
    size_t n;
};

void looked_free(struct looked *l); /* what it holds */

/* A member "pictures" of the object that *j is in: of each what clamp_json says. */
void looked_json(struct json *j, const struct looked *l);

/* Whether a model reads what a tower makes. False and *e: it has no vision, or rows of another width. */
struct tower;
bool look_fits(const struct model *m, const struct tower *t, struct error *e);

/* Adds the pictures to *a. False and *e, before any picture is encoded: the model has no vision, the tower's rows are not as
 * wide as the model's, a picture can't be read, has more tokens than there is room for, needs more memory than is free, or
 * max_seconds do not suffice; later, that memory is short or that it was interrupted. *looked is to be freed by looked_free,
 * whatever is returned. */
bool look(struct album *a, const struct model *m, const struct look_options *o, struct looked *looked, struct error *e);

/* The text with a mark ("<|vision_start|><|image_pad|><|vision_end|>") before it for each of n pictures; as it is where it has
 * marks of its own. NULL: no memory. To be freed. */
char *look_mark(const char *text, size_t n);

/* Puts the pictures' ids where the text has its <|image_pad|>. False and *e if there are not as many of them as pictures. */
bool look_place(const struct tokenizer *t, const struct album *a, struct tokens *ids, struct error *e);

#endif
