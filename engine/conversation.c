/* SPDX-License-Identifier: MIT */
#include "engine/conversation.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/look.h"
#include "engine/prompt.h"

static bool push(struct conversation *c, const char *role, const char *content, struct error *e)
{
    struct chat_message *m = memory_grow(c->messages, &c->capacity, c->n_messages + 1, sizeof *m);
    if (!m) return fail(e, "chat: found no memory for %zu messages", c->n_messages + 1);
    c->messages = m;
    char *copy = strdup(content);
    if (!copy) return fail(e, "chat: found no memory for a message");
    c->messages[c->n_messages++] = (struct chat_message){role, copy};
    return true;
}

static void pop(struct conversation *c) { free((char *)c->messages[--c->n_messages].content); }

bool conversation_start(struct conversation *c, struct session *s, const struct chat_format *f, const char *system,
                        struct error *e)
{
    *c = (struct conversation){.session = s, .format = f};
    session_reset(s);
    return !system || push(c, "system", system, e);
}

void conversation_end(struct conversation *c)
{
    while (c->n_messages) pop(c);
    free(c->messages);
    tokens_free(&c->fed);
}

static bool remember(struct conversation *c, int32_t id, struct error *e)
{
    return tokens_push(&c->fed, id) || fail(e, "chat: found no memory for the conversation");
}

/* Drops from the cache what the new rendering no longer begins with; at least one token is left to feed, for its logits. */
static size_t keep_common_prefix(struct conversation *c, const struct tokens *ids)
{
    size_t same = 0;
    while (same < c->fed.n && same + 1 < ids->n && c->fed.id[same] == ids->id[same]) same++;
    c->fed.n = same;
    c->session->kv->used = same;
    return same;
}

bool conversation_turn(struct conversation *c, const char *user, const struct generate_options *o, struct generate_result *r,
                       struct error *e)
{
    memset(r, 0, sizeof *r);
    const struct album *album = c->session->options.album;
    bool pictures = album && album->n, first = c->n_messages == 0 || !strcmp(c->messages[c->n_messages - 1].role, "system");
    char *marked = pictures && first ? look_mark(user, album->n) : NULL;
    if (pictures && first && !marked) return fail(e, "chat: found no memory for a message");
    bool pushed = push(c, "user", marked ? marked : user, e);
    free(marked);
    if (!pushed) return false;
    const struct tokenizer *t = c->session->model->tokenizer;
    struct tokens ids = {0};
    char *answer = NULL;
    size_t len = 0;
    bool ok = prompt_from_chat(t, c->format, c->messages, c->n_messages, &ids, e) &&
              (!pictures || look_place(t, album, &ids, e));
    if (ok) {
        size_t kept = keep_common_prefix(c, &ids);
        ok = session_generate(c->session, ids.id + kept, ids.n - kept, o, r, e);
        /* What the cache holds now: the prompt and the generated tokens that were fed. */
        for (size_t i = kept; ok && i < ids.n && c->fed.n < c->session->kv->used; i++) ok = remember(c, ids.id[i], e);
        for (size_t i = 0; ok && i < r->generated_tokens && c->fed.n < c->session->kv->used; i++)
            ok = remember(c, r->tokens[i], e);
    }
    ok = ok && detokenize(t, r->tokens, r->generated_tokens, false, &answer, &len, e) && push(c, "assistant", answer, e);
    if (!ok) {
        pop(c);
        c->session->kv->used = c->fed.n = 0;
    }
    free(answer);
    tokens_free(&ids);
    return ok;
}
