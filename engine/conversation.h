/* conversation.h - a chat of several turns over one session.
 *
 * Each turn renders the whole conversation anew, and feeds only what differs from the tokens already in the cache: templates
 * may write past turns otherwise than the model generated them, and this is right in either case.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_CONVERSATION_H
#define HARTREE_CONVERSATION_H

#include "engine/session.h"
#include "engine/text/chat.h"

struct conversation {
    struct session *session;         /* borrowed */
    const struct chat_format *format;
    struct chat_message *messages;   /* owned copies */
    size_t n_messages, capacity;
    struct tokens fed;               /* what the cache holds */
};

/* Starts with a system message, or none where `system` is NULL. */
bool conversation_start(struct conversation *c, struct session *s, const struct chat_format *f, const char *system,
                        struct error *e);
void conversation_end(struct conversation *c);

/* Adds a user's message, generates the answer and adds it too. *r as session_generate gives it; prompt_tokens counts those that
 * had to be fed. False and *e as session_generate; the conversation is then as it was before the call. */
bool conversation_turn(struct conversation *c, const char *user, const struct generate_options *o, struct generate_result *r,
                       struct error *e);

#endif
