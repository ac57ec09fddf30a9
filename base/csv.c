/* SPDX-License-Identifier: MIT */
#include "base/csv.h"

#include <string.h>

static bool is_blank(char c, char separator)
{
    return c == ' ' || (c == '\t' && separator != '\t');
}

static char *skip_blanks(char *s, char separator)
{
    while (is_blank(*s, separator)) s++;
    return s;
}

/* Takes the quotes off a field, in place; *end is its end then. Where the line goes on, NULL without a second quote. */
static char *unquote(char *field, char **end)
{
    char *to = field, *s = field + 1;
    for (; *s && (*s != '"' || s[1] == '"'); s++) {
        if (*s == '"') s++;
        *to++ = *s;
    }
    *end = to;
    return *s ? s + 1 : NULL;
}

size_t csv_split(char *line, char separator, char **fields, size_t max, struct error *e)
{
    size_t n = 0;
    char *s = skip_blanks(line, separator), *end;
    if (!*s) return fail(e, "found an empty line, expected fields");
    for (bool more = true; more; n++) {
        if (n == max) return fail(e, "found more than %zu fields, expected fewer", max);
        fields[n] = s;
        if (*s == '"') {
            s = unquote(s, &end);
            if (!s || (*s && *s != separator && !is_blank(*s, separator)))
                return fail(e, "field %zu: found a quote without its end, expected \"text\"", n + 1);
        } else {
            while (*s && *s != separator && (separator != ' ' || *s != '\t')) s++;
            for (end = s; end > fields[n] && is_blank(end[-1], separator);) end--;
        }
        s = skip_blanks(s, separator);
        more = *s;
        if (more && separator != ' ') {
            if (*s != separator) return fail(e, "field %zu: found text behind quotes, expected '%c'", n + 1, separator);
            s = skip_blanks(s + 1, separator);
        }
        *end = 0;
    }
    return n;
}

void csv_put(FILE *f, const char *s)
{
    size_t n = strlen(s);
    bool plain = *s != '#' && !s[strcspn(s, ",\"")] && !is_blank(*s, ',') && !(n && is_blank(s[n - 1], ','));
    if (plain) {
        fputs(s, f);
        return;
    }
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '"') fputc('"', f);
        fputc(*s, f);
    }
    fputc('"', f);
}
