/* chat.h - conversations as the text that a model was trained on.
 *
 * Formats are rows of facts (chat.c). A file's template is recognised by marks that only its family has; it is never run.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_CHAT_H
#define HARTREE_CHAT_H

#include "engine/text/tokenizer.h"

struct chat_message {
    const char *role; /* "system", "user", "assistant" */
    const char *content;
};

struct chat_format; /* a row; name by chat_format_name */

const char *chat_format_name(const struct chat_format *f);
/* The i-th known format, NULL past the end: for help and for error messages. */
const struct chat_format *chat_format_at(size_t i);

/* Recognises the tokenizer's template, or takes `name` where that is not NULL (`t` may then be). NULL and *e when the file has
 * no template, when its template is of no known family, or when the name is unknown; the line says what --chat-format accepts.
 */
const struct chat_format *chat_format_find(const struct tokenizer *t, const char *name, struct error *e);

/* Renders messages, with the opening of an assistant turn after them if add_assistant. The result is to be tokenized with
 * TOKENIZE_ADD_SPECIAL | TOKENIZE_PARSE_SPECIAL; it does not itself hold a BOS that tokenize adds. NULL: no memory. To be
 * freed. */
char *chat_render(const struct chat_format *f, const struct chat_message *m, size_t n, bool add_assistant);

#endif
