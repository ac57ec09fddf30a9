/* prompts.h - nineteen prompts of one topic and one difficulty, each the one before with a passage more.
 *
 * The protocol of "Scaling Laws for Energy Efficiency of Local LLMs" (arXiv 2512.16531) asks for prompts P1 to P19 that grow
 * step by step in tokens; its texts are not public. These were written for hartree: plain English on how a town gets its
 * drinking water, about 50 tokens a passage and 1,000 in all.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PROMPTS_H
#define HARTREE_PROMPTS_H

#include <stddef.h>

enum { N_PROMPTS = 19 };

/* Bytes of prompt P`k`, k from 1 to N_PROMPTS: the first so many of prompt_text(). */
size_t prompt_length(int k);

/* P19, of which the others are beginnings; to be freed. NULL: no memory. */
char *prompt_text(void);

/* What a good answer to P`k` says, k from 1 to N_PROMPTS: written for hartree as well. */
const char *prompt_reference(int k);

#endif
