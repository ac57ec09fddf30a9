/* printable.c - see printable.h.
 * SPDX-License-Identifier: MIT */
#include "base/printable.h"

#include <stdbool.h>
#include <stdint.h>

/* Bidirectional marks, embeddings, overrides and isolates, which make a terminal show text in another order than it has. */
static bool turns(uint32_t c)
{
    return c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

size_t printable_length(const char *text, size_t n)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000}; /* by length; below it the form is overlong */
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80) return s[0] >= 0x20 && s[0] != 0x7f;
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || n < len) return 0;
    uint32_t c = s[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) || c < 0xa0 || turns(c)) return 0;
    return len;
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
