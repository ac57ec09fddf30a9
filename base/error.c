/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The length of the UTF-8 character at s, 0 where none stands. C1 controls count as none: terminals obey some of them. */
static size_t character(const unsigned char *s)
{
    if (s[0] < 0x80) return s[0] >= 0x20 && s[0] != 0x7f;
    if (s[0] < 0xc2 || s[0] > 0xf4) return 0;
    size_t n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if (s[0] == 0xc2 && s[1] < 0xa0) return 0;
    return n;
}

/* What a hostile file's names hold must not break the line or reach the terminal as a command. */
static void one_line(char *s)
{
    while (*s) {
        size_t n = character((const unsigned char *)s);
        if (!n) *s = '?';
        s += n ? n : 1;
    }
}

bool fail(struct error *e, const char *format, ...)
{
    if (!e) return false;
    va_list ap;
    va_start(ap, format);
    vsnprintf(e->text, sizeof e->text, format, ap);
    va_end(ap);
    one_line(e->text);
    return false;
}

bool fail_in(struct error *e, const char *prefix)
{
    if (!e) return false;
    char old[sizeof e->text];
    memcpy(old, e->text, sizeof old);
    return fail(e, "%.250s: %.760s", prefix, old);
}
