/* SPDX-License-Identifier: MIT */
#include "engine/prompt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool prompt_parse_ids(const char *text, int32_t n_vocab, struct tokens *out, bool *malformed, struct error *e)
{
    static const char blanks[] = " \t\r\n";
    const char *p = text + strspn(text, blanks);
    bool comma = false; /* one stands before p: a number must follow */
    *malformed = false;
    while (*p || comma) {
        char *end;
        errno = 0;
        long long v = strtoll(p, &end, 10);
        *malformed = end == p || (*end && *end != ',' && !strchr(blanks, *end));
        if (*malformed) return fail(e, "token ids: found '%.24s', expected numbers between blanks or commas", p);
        if (errno || v < 0 || v >= n_vocab)
            return fail(e, "token ids: found %.*s at place %zu, expected 0 to %d", (int)(end - p < 24 ? end - p : 24), p,
                        out->n, n_vocab - 1);
        if (!tokens_push(out, (int32_t)v)) return fail(e, "token ids: found no memory for %zu of them", out->n);
        p = end + strspn(end, blanks);
        comma = *p == ',';
        if (comma) p += 1 + strspn(p + 1, blanks);
    }
    return true;
}

bool prompt_from_text(const struct tokenizer *t, const char *text, size_t len, struct tokens *out, struct error *e)
{
    return tokenize(t, text, len, TOKENIZE_ADD_SPECIAL | TOKENIZE_PARSE_SPECIAL, out, e);
}

bool prompt_from_chat(const struct tokenizer *t, const struct chat_format *f, const struct chat_message *m, size_t n,
                      struct tokens *out, struct error *e)
{
    char *text = chat_render(f, m, n, true);
    if (!text) return fail(e, "chat: found no memory for the conversation");
    bool ok = prompt_from_text(t, text, strlen(text), out, e);
    free(text);
    return ok;
}
