/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/printable.h"

/* What a hostile file's names hold must not break the line or reach the terminal as a command. */
static void one_line(char *s)
{
    size_t n = strlen(s);
    while (n) {
        size_t len = printable_length(s, n);
        if (!len) *s = '?', len = 1;
        s += len;
        n -= len;
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
