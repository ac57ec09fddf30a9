/* semantics.h - how right answers are: against references, in meaning by the cosine of sentence embeddings (semantic accuracy,
 * as arXiv 2512.16531 scores its models, there by SimCSE), and exactly by their words; means, and the difference of two models
 * on the same questions. SPDX-License-Identifier: MIT */
#ifndef HARTREE_SEMANTICS_H
#define HARTREE_SEMANTICS_H

#include "engine/embed.h"

/* Whether two texts have the same words in the same order: runs of letters, digits and bytes beyond ASCII, whatever the case of
 * ASCII letters and whatever stands between; "a", "an" and "the" don't count, except where they are all that one of the texts
 * has. So " Red." is "red", "3" is not "three", and the option "A" is not the empty answer. */
bool words_match(const char *a, const char *b);

/* Whether a text has a word in that sense: one that has none matches the empty answer. */
bool words_any(const char *s);

/* Cosine of the answer's and the reference's embeddings. False and *e as embed. */
bool semantic_score(struct embedder *judge, const char *answer, const char *reference, double *score, struct error *e);

/* A mean over questions with its 95 % interval. All NAN but n where there is none; no interval of one question. */
struct accuracy {
    size_t n;
    double mean, low, high;
};

/* Of scores, by Student's t; those that are NAN are left out. */
struct accuracy accuracy_mean(const double *score, size_t n);

/* Of scores that are 0 or 1 (NAN left out): their share, with Wilson's interval. */
struct accuracy accuracy_share(const double *score, size_t n);

/* Of the paired differences b - a on the same questions, by Student's t; a question that either did not answer is left out. */
struct accuracy accuracy_difference(const double *a, const double *b, size_t n);

#endif
