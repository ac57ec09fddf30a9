/* pretokenize.h - cuts a text into the words that BPE does not merge across.
 *
 * A pre-tokenizer is a row: a few stages, each of which cuts the pieces that the one before left. A stage finds the leftmost
 * match of its pattern again and again; matches and the stretches between them are the new pieces. The patterns are those that
 * the models' tokenizer.json give, read as llama.cpp reads them (src/llama-vocab.cpp, src/unicode.cpp), matched by hand.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PRETOKENIZE_H
#define HARTREE_PRETOKENIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PRETOKENIZER_STAGES = 6 };

/* The piece that a stage looks at: characters [.., end) of c, their classes in flags (unicode.h). Nothing beyond end is seen.
 */
struct span {
    const uint32_t *c;
    const uint8_t *flags;
    size_t end;
    size_t tail; /* where the blanks begin that end the piece */
};

/* The end of a match that begins at i, or i if none does. */
typedef size_t match_fn(const struct span *s, size_t i);

struct pretokenizer {
    const char *names; /* values of tokenizer.ggml.pre, separated by blanks */
    match_fn *stage[PRETOKENIZER_STAGES];
    bool ignore_merges; /* a word that is a token stays whole, whatever the merges say */
    bool add_bos;       /* unless the file says otherwise */
};

/* By a value of tokenizer.ggml.pre; NULL if unknown. */
const struct pretokenizer *pretokenizer_find(const char *name, size_t len);
/* All known names, separated by blanks; cut short where `size` does not hold them. */
void pretokenizer_names(char *out, size_t size);

/* Ends of the words, ascending; the last is n. */
struct cuts {
    size_t *end, *spare;
    size_t n, capacity, spare_capacity;
};
void cuts_free(struct cuts *cuts);

/* Cuts n characters. false: no memory. O(n) for any text. */
bool pretokenize(const struct pretokenizer *p, const uint32_t *c, const uint8_t *flags, size_t n, struct cuts *out);

#endif
