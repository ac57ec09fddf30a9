/* answers_make.h - a model of a sweep answers, one question after the other; for answers.c.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_ANSWERS_MAKE_H
#define HARTREE_ANSWERS_MAKE_H

#include "engine/laws/answers.h"

/* Opens a model, with its tower where there are pictures, and makes answers one by one. NULL and *e. */
struct answerer *answerer_open(const struct sweep *s, int model, const struct sweep_hooks *h, struct error *e);
void answerer_close(struct answerer *w);

/* The answer to a point's prompt or, with a question, about its picture: to be freed. NULL and *e: it can't be made, or it was
 * interrupted. A picture is seen once for the questions that follow each other. */
char *answerer_ask(struct answerer *w, int point, const char *question, struct error *e);

#endif
