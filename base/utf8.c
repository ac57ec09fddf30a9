/* utf8.c - see utf8.h.
 * SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

/* How many bytes a character is that begins with b; 0 if none does. */
static size_t length_by_lead(unsigned char b)
{
    if (b < 0x80) return 1;
    if (b < 0xC0) return 0;
    if (b < 0xE0) return 2;
    if (b < 0xF0) return 3;
    return b < 0xF8 ? 4 : 0;
}

size_t utf8_decode(const char *s, size_t n, uint32_t *c)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t len = length_by_lead(u[0]);
    *c = UTF8_REPLACEMENT;
    if (len == 0 || len > n) return 1;
    uint32_t v = len == 1 ? u[0] : u[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((u[i] & 0xC0) != 0x80) return 1;
        v = v << 6 | (u[i] & 0x3F);
    }
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000}; /* below: an overlong form */
    if (v < least[len] || v > 0x10FFFF) return 1;
    *c = v;
    return len;
}

size_t utf8_valid(const char *s, size_t n, uint32_t *c)
{
    size_t len = utf8_decode(s, n, c);
    bool replaced = len == 1 && *c == UTF8_REPLACEMENT, surrogate = *c >= 0xD800 && *c < 0xE000;
    return replaced || surrogate ? 0 : len;
}

size_t utf8_encode(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, c >>= 6) out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(0xF00u >> len | c);
    return len;
}

/* Whether s[0..n), a lead byte and what has come of the rest, can still become a character. */
static bool may_become(const unsigned char *s, size_t n)
{
    /* C0, C1 and F5.. begin nothing; after E0, ED, F0 and F4 half of the second bytes are overlong, surrogates or too large. */
    if (s[0] < 0xC2 || s[0] > 0xF4 || n >= length_by_lead(s[0])) return false;
    if (n < 2) return true;
    return !((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF0 && s[1] < 0x90) ||
             (s[0] == 0xF4 && s[1] > 0x8F));
}

size_t utf8_complete(const char *buf, size_t n)
{
    /* Only the last three bytes can hold the beginning of a character that is still to be finished. */
    for (size_t back = 1; back <= 3 && back <= n; back++) {
        const unsigned char *s = (const unsigned char *)buf + n - back;
        if ((*s & 0xC0) != 0x80) return may_become(s, back) ? n - back : n;
    }
    return n;
}

size_t utf8_mark(const char *text)
{
    return strncmp(text, "\xef\xbb\xbf", 3) ? 0 : 3;
}
