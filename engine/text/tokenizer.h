/* tokenizer.h - text to token ids and back, from a GGUF's own vocabulary.
 *
 * Kinds: SPM (tokenizer.ggml.model "llama": scores, byte fallback; Llama 2, Gemma), BPE ("gpt2": merges, with the
 * pre-tokenizers that tokenizer.ggml.pre names), WordPiece ("bert"). Anything else is an error that names it.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_TOKENIZER_H
#define HARTREE_TOKENIZER_H

#include "base/error.h"
#include "base/sha256.h"
#include "loader/gguf.h"

enum tokenizer_kind { TOKENIZER_SPM, TOKENIZER_BPE, TOKENIZER_WORDPIECE };

/* tokenizer.ggml.token_type */
enum token_type { TOKEN_NORMAL = 1, TOKEN_UNKNOWN, TOKEN_CONTROL, TOKEN_USER_DEFINED, TOKEN_UNUSED, TOKEN_BYTE };

struct tokenizer {
    enum tokenizer_kind kind;
    int32_t n_vocab;
    int32_t bos, eos, eot, unk, sep, pad, cls, mask; /* -1 where the file has none */
    bool add_bos, add_eos;
    struct gguf_string chat_template; /* data NULL where the file has none */
    struct tokenizer_tables *tables;  /* private */
};

/* Borrows g's bytes, which must outlive it. NULL and *e if the vocabulary is missing, unusable or of an unsupported kind. */
struct tokenizer *tokenizer_new(const struct gguf *g, struct error *e);
void tokenizer_free(struct tokenizer *t);

/* Bytes that its tables take in memory; those of g that it borrows are not among them. */
size_t tokenizer_memory(const struct tokenizer *t);

struct tokens {
    int32_t *id;
    size_t n, capacity;
};
void tokens_free(struct tokens *t);
bool tokens_push(struct tokens *t, int32_t id); /* false: no memory */

enum {
    TOKENIZE_ADD_SPECIAL = 1,   /* BOS, EOS, CLS, SEP as the model says */
    TOKENIZE_PARSE_SPECIAL = 2, /* the text of a control token in the input becomes that token */
};

/* Appends the ids of text[0..len), any bytes (bad UTF-8 included), to *out. False and *e only for lack of memory. */
bool tokenize(const struct tokenizer *t, const char *text, size_t len, int flags, struct tokens *out, struct error *e);

/* The bytes of one token, as they continue a text: borrowed from a buffer in *t's tables or from the file; *len may be 0.
 * `special` also renders control tokens. `first`: the token opens the text (SPM then drops the space it put there itself). */
const char *token_bytes(const struct tokenizer *t, int32_t id, bool special, bool first, size_t *len);

/* Appends ids as bytes to a growing buffer that the caller frees; NUL-terminated, *len without the NUL. */
bool detokenize(const struct tokenizer *t, const int32_t *id, size_t n, bool special, char **text, size_t *len,
                struct error *e);

enum token_type token_type_of(const struct tokenizer *t, int32_t id);
struct gguf_string token_text(const struct tokenizer *t, int32_t id); /* as written in the file */
int32_t token_find(const struct tokenizer *t, const char *text, size_t len); /* by file text; -1 */
/* The digest of all tokens, their texts and types in order: with the same digest the same ids say the same. */
void tokenizer_digest(const struct tokenizer *t, char hex[SHA256_HEX]);
bool token_ends_generation(const struct tokenizer *t, int32_t id); /* EOS, EOT and their kin: <|im_end|>, <end_of_turn> ... */

#endif
