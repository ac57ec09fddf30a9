/* prompt.h - what a user gives as a prompt, as token ids.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_PROMPT_H
#define HARTREE_PROMPT_H

#include "engine/text/chat.h"

/* "1,2,3" or "1 2 3" to ids in [0, n_vocab), appended to *out; an empty list is one too. False and *e if an id is out of range,
 * memory is short, or the text is no such list: *malformed. */
bool prompt_parse_ids(const char *text, int32_t n_vocab, struct tokens *out, bool *malformed, struct error *e);

/* Text as a model continues it: BOS as the model says, special tokens in it read. */
bool prompt_from_text(const struct tokenizer *t, const char *text, size_t len, struct tokens *out, struct error *e);

/* A conversation so far, with the opening of the assistant's turn. */
bool prompt_from_chat(const struct tokenizer *t, const struct chat_format *f, const struct chat_message *m, size_t n,
                      struct tokens *out, struct error *e);

#endif
