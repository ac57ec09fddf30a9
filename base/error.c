/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void one_line(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f) *s = '?';
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
