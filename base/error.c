/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/printable.h"

bool fail(struct error *e, const char *format, ...)
{
    if (!e) return false;
    va_list ap;
    va_start(ap, format);
    vsnprintf(e->text, sizeof e->text, format, ap);
    va_end(ap);
    printable_only(e->text); /* a hostile file's names must not break the line or reach the terminal as a command */
    return false;
}

bool fail_in(struct error *e, const char *prefix)
{
    if (!e) return false;
    char old[sizeof e->text];
    memcpy(old, e->text, sizeof old);
    return fail(e, "%.250s: %.760s", prefix, old);
}
