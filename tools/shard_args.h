/* shard_args.h - --shard I/N of the commands that measure lists of things: the I-th of N parts of the list, so that several
 * machines share one. SPDX-License-Identifier: MIT */
#ifndef HARTREE_SHARD_ARGS_H
#define HARTREE_SHARD_ARGS_H

#include <stdbool.h>
#include <stddef.h>

/* `index`, from 0, of `count` parts; all of the list is 0 of 1. */
struct shard {
    int index, count;
};

/* "2/8" as 1 of 8; NULL as all. False: the word is none. */
bool shard_parse(const char *word, struct shard *s);

/* Whether a list's i-th thing, from 0, is in this part: every N-th is. */
static inline bool shard_has(const struct shard *s, size_t i)
{
    return i % (size_t)s->count == (size_t)s->index;
}

#endif
