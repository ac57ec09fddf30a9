/* vocab.h - what the tokenizer's files share: the vocabulary's tables, the merge loop, the three algorithms. Private to
 * engine/text. SPDX-License-Identifier: MIT */
#ifndef HARTREE_VOCAB_H
#define HARTREE_VOCAB_H

#include "engine/text/pretokenize.h"
#include "engine/text/tokenizer.h"

/* Token text -> id: open addressing, hashed with a seed of its own so that no choice of tokens makes it slow. */
struct text_map {
    uint32_t *slot; /* id + 1; 0 is free */
    size_t mask;
    uint64_t seed;
};

/* Special tokens of one length: a text is cut at the longest first. The bit sets spare most look-ups. */
struct special_length {
    size_t len;
    uint32_t first[8], last[8]; /* bit per byte value: some token of this length starts / ends so */
};

/* The special tokens that are matched as a whole in the text, longest first. */
struct special_set {
    struct special_length *length;
    size_t n;
    bool control; /* control and unknown tokens too, not only the user-defined ones */
};

/* What two adjacent tokens join to, and how early: open addressing. */
struct merge_slot {
    int32_t left, right; /* left -1: free */
    uint32_t rank;
    int32_t id;
};

struct tokenizer_tables {
    const struct gguf_string *text; /* [n_vocab] as in the file */
    uint8_t *type;                  /* [n_vocab] enum token_type */
    bool *ends;                     /* [n_vocab] ends generation */
    size_t max_len;                 /* bytes of the longest text */
    struct text_map map;
    struct special_set user, all;
    char *piece;         /* bytes of all tokens, one after another */
    uint64_t *piece_at;  /* [n_vocab + 1] */
    int32_t byte[256];   /* SPM and BPE: the token of a byte, -1 if there is none */
    /* SPM */
    float *score;
    bool add_space_prefix;
    bool joins_space[256]; /* some token holds a space after this byte; after any other, a space begins what is apart */
    /* BPE */
    const struct pretokenizer *pre;
    struct merge_slot *merge;
    size_t merge_mask;
    /* WordPiece */
    bool lowercase, strip_accents;
};

/* Seeded hash of bytes, for text_map and whoever looks one up. */
uint64_t text_hash(uint64_t seed, const char *s, size_t n);
int32_t text_map_find(const struct tokenizer_tables *v, const char *s, size_t n); /* -1 if no token has this text */

/* ---- Merging: SPM and BPE are one loop with two ideas of which pair is first ---- */

struct symbol {
    uint32_t at, len;   /* bytes of the text; len 0: merged into the one before */
    int32_t prev, next; /* -1 at the ends */
    int32_t id;         /* -1: no token */
};

struct pair {
    uint64_t key; /* order << 32 | left symbol: least first, leftmost among equals */
    uint32_t right, len;
    int32_t id;
};

/* Buffers of one call, reused from word to word. Zero-initialised; text_work_free at the end. */
struct text_work {
    struct symbol *symbol;
    size_t n_symbols, symbol_capacity;
    struct pair *heap;
    size_t heap_capacity;
    uint32_t *c; /* decoded characters and their classes */
    uint8_t *flags;
    size_t c_capacity, flags_capacity;
    struct cuts cuts;
    char *bytes, *spelt;
    size_t bytes_capacity, spelt_capacity;
};
void text_work_free(struct text_work *w);

/* Room for n bytes at w->bytes; false: no memory. */
bool text_work_bytes(struct text_work *w, size_t n);

/* Appends a symbol, linked to the one before. */
bool text_work_push(struct text_work *w, uint32_t at, uint32_t len, int32_t id);

/* Whether two neighbours may be joined, at what order (least first), into which token. */
typedef bool join_fn(const struct tokenizer_tables *v, const char *text, const struct symbol *left, const struct symbol *right,
                     uint32_t *order, int32_t *id);

/* Joins w's symbols until no pair may be. O(n log n). */
bool text_merge(struct text_work *w, const struct tokenizer_tables *v, const char *text, join_fn *join);

/* ---- The three algorithms: a tables builder and a tokenizer of one stretch of plain text each ---- */

bool spm_load(struct tokenizer *t, const struct gguf *g, struct error *e);
bool spm_tokenize(const struct tokenizer *t, const char *text, size_t len, bool prefix, struct text_work *w,
                  struct tokens *out);

bool bpe_load(struct tokenizer *t, const struct gguf *g, struct error *e);
bool bpe_tokenize(const struct tokenizer *t, const char *text, size_t len, struct text_work *w, struct tokens *out);
/* Appends to out what a token's text means, every character of it being the mark of one byte; others stay as they are. */
size_t bpe_render(const struct gguf_string *text, char *out);

bool wordpiece_tokenize(const struct tokenizer *t, const char *text, size_t len, struct text_work *w, struct tokens *out);

#endif
