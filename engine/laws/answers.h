/* answers.h - what a sweep's models answer, and how right that is (semantics.h): to its prompts, to questions beside them, or
 * to questions about each of its pictures.
 *
 * Answers are made apart from the windows, whose passes ignore where an answer ends: greedily, up to the model's own end or
 * ANSWER_TOKENS (of prompts PROMPT_TOKENS, or as many as the sweep generates), so that each is the same whenever it is made.
 * They are kept in a file, a line each, under the hash of the sweep and the questions: an interrupted run goes on where it was.
 *
 * A prompt is one question, which is asked once, as are questions beside prompts. A question about a picture is asked of every
 * size under every clamp; of these answers its share of right ones is taken, and what is said of a model is a mean over
 * questions: answers to one question about one picture at several sizes are no independent sample. SPDX-License-Identifier: MIT
 */
#ifndef HARTREE_ANSWERS_H
#define HARTREE_ANSWERS_H

#include "engine/laws/sweep.h"
#include "engine/semantics.h"

enum { ANSWER_QUESTIONS = 999, ANSWER_TOKENS = 48, PROMPT_TOKENS = 128 };

struct answers_options {
    const char *judge;      /* an encoder's file; NULL: no cosines */
    const char *references; /* a file, "PROMPT<tab>REFERENCE" a line, of prompts by their numbers, or "QUESTION<tab>REFERENCE",
                               as its first line has it; NULL: the references of prompts.h. Of pictures it is needed, and has
                               questions */
    const char *path;       /* where answers are kept; NULL: nowhere */
    bool make;              /* the missing ones; else what the files hold is all */
    const char *const *join; /* files of shards */
    size_t n_join;
};

struct answers {
    char judge[128];           /* its name; "": none */
    int n_points, n_questions; /* questions a point: 1 of prompts; of questions beside prompts there is one point, which is
                                  none of the sweep's */
    char **question;           /* n_questions; NULL: the prompts themselves are asked */
    bool beside;               /* they are about no picture, and stand beside the sweep's prompts */
    char **reference;          /* of prompts n_points, of questions n_questions; an element NULL: none is known */
    /* Of each model, n_points x n_questions; those of a model that is not there are NULL: */
    char **text[SWEEP_MODELS];      /* an element NULL: not there */
    double *semantic[SWEEP_MODELS]; /* NAN: not known */
    double *exact[SWEEP_MODELS];    /* 1 or 0; NAN: not known */
    struct accuracy semantic_mean[SWEEP_MODELS], exact_share[SWEEP_MODELS];
    struct accuracy semantic_difference, exact_difference; /* of a pair: second less first, question by question */
};

/* The reference of answer `i` of n_points x n_questions. */
static inline const char *answers_reference(const struct answers *a, int i)
{
    return a->reference[a->question ? i % a->n_questions : i];
}

/* Mean of one point's scores (answers' semantic or exact) over its questions; NAN where none is known. */
double answers_of_point(const struct answers *a, const double *score, int point);

/* Reads the references and tries the judge, before hours are spent on what they are to score. NULL and *e: a file is malformed,
 * or the judge is no encoder. To be freed with answers_free. */
struct answers *answers_new(const struct sweep *s, const struct answers_options *o, struct error *e);

/* Reads answers, makes those that are missing, and scores them. False and *e: kept answers are of another sweep or malformed, a
 * model can't be run, or it was interrupted; what was made until then is kept. */
bool answers_score(struct answers *a, const struct sweep *s, const struct answers_options *o, const struct sweep_hooks *h,
                   struct error *e);
void answers_free(struct answers *a);

/* For who has scores from elsewhere: room for n_points x n_questions of each model (false and *e: no memory), and the means and
 * differences of what is in `semantic` and `exact`. */
bool answers_room(struct answers *a, int n_models, struct error *e);
void answers_sum_up(struct answers *a, int n_models);

#endif
