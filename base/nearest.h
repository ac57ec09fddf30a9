/* nearest.h - the word that somebody meant.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_NEAREST_H
#define HARTREE_NEAREST_H

/* The word of `words` (NULL-terminated) nearest to `word` by edit distance, or NULL if none is near. Case does not count; of a
 * word of one or two letters nothing else may differ. */
const char *nearest_word(const char *word, const char *const *words);

#endif
