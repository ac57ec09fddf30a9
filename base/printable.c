/* printable.c - see printable.h.
 * SPDX-License-Identifier: MIT */
#include "base/printable.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

/* Bidirectional marks, embeddings, overrides and isolates, which make a terminal show text in another order than it has. */
static bool turns(uint32_t c)
{
    return c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

size_t printable_length(const char *s, size_t n)
{
    uint32_t c;
    size_t len = utf8_valid(s, n, &c);
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || turns(c) ? 0 : len;
}

void printable_only(char *s)
{
    for (size_t n = strlen(s); n;) {
        size_t len = printable_length(s, n);
        if (!len) *s = '?', len = 1;
        s += len;
        n -= len;
    }
}

void print_escaped(FILE *f, const char *s, size_t n, size_t max)
{
    size_t columns = 0;
    for (size_t i = 0; i < n;) {
        if (columns >= max) {
            fputs("...", f);
            return;
        }
        size_t len = printable_length(s + i, n - i);
        if (s[i] == '\n') columns += (size_t)fprintf(f, "\\n");
        else if (s[i] == '\t') columns += (size_t)fprintf(f, "\\t");
        else if (!len) columns += (size_t)fprintf(f, "\\x%02x", (unsigned char)s[i]);
        else if (s[i] == '"' || s[i] == '\\') columns += (size_t)fprintf(f, "\\%c", s[i]);
        else columns += fwrite(s + i, 1, len, f) > 0;
        i += len ? len : 1;
    }
}
