/* answers.h - what a sweep's models answer to its prompts, and how right that is (semantics.h).
 *
 * Answers are made apart from the windows, whose passes ignore where an answer ends: greedily, up to the sweep's number of
 * generated tokens or the model's own end, so that each is the same whenever it is made. They are kept in a file, a line each,
 * under the hash of the sweep: an interrupted run goes on where it was. SPDX-License-Identifier: MIT */
#ifndef HARTREE_ANSWERS_H
#define HARTREE_ANSWERS_H

#include "engine/laws/sweep.h"
#include "engine/semantics.h"

struct answers_options {
    const char *judge;      /* an encoder's file; NULL: no cosines */
    const char *references; /* a file, "PROMPT<tab>REFERENCE" a line; NULL: those of prompts.h */
    const char *path;       /* where answers are kept; NULL: nowhere */
    bool make;              /* the missing ones; else what the files hold is all */
    const char *const *join; /* files of shards */
    size_t n_join;
};

struct answers {
    char judge[128];                                       /* its name; "": none */
    char *text[SWEEP_MODELS][SWEEP_POINTS];                /* NULL: not there */
    char *reference[SWEEP_POINTS];                         /* NULL: none is known */
    double semantic[SWEEP_MODELS][SWEEP_POINTS];           /* NAN: not known */
    double exact[SWEEP_MODELS][SWEEP_POINTS];              /* 1 or 0; NAN: not known */
    struct accuracy semantic_mean[SWEEP_MODELS], exact_share[SWEEP_MODELS];
    struct accuracy semantic_difference, exact_difference; /* of a pair: second less first, prompt by prompt */
};

/* Reads the references and tries the judge, before hours are spent on what they are to score. NULL and *e: a file is malformed,
 * or the judge is no encoder. To be freed with answers_free. */
struct answers *answers_new(const struct sweep *s, const struct answers_options *o, struct error *e);

/* Reads answers, makes those that are missing, and scores them. False and *e: kept answers are of another sweep or malformed, a
 * model can't be run, or it was interrupted; what was made until then is kept. */
bool answers_score(struct answers *a, const struct sweep *s, const struct answers_options *o, const struct sweep_hooks *h,
                   struct error *e);
void answers_free(struct answers *a);

#endif
