/* lines.h - a text taken line by line where it lies.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_LINES_H
#define HARTREE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct line {
    const char *text;
    size_t len;    /* without the newline, or carriage return and newline, at its end */
    size_t number; /* from 1 */
};

/* Takes the next line of [*at, end) and moves *at behind it; the last need not end in a newline. false: none is left.
 * line->number goes up by one: begin with a zeroed struct. */
static inline bool line_next(const char **at, const char *end, struct line *line)
{
    if (*at == end) return false;
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    line->text = *at;
    line->len = (size_t)((newline ? newline : end) - *at);
    line->number++;
    *at = newline ? newline + 1 : end;
    if (newline && line->len && line->text[line->len - 1] == '\r') line->len--;
    return true;
}

#endif
