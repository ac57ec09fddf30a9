/* json.c - a JSON writer that keeps commas and nesting right.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

void json_begin(struct json *j, FILE *f)
{
    memset(j, 0, sizeof *j);
    j->f = f;
}

void json_end(struct json *j)
{
    assert(j->depth == 0 && !j->key);
    fputc('\n', j->f);
}

/* What stands before a value: nothing after its key, else a comma unless it is the first. */
static void separate(struct json *j)
{
    if (j->key) {
        j->key = false;
        return;
    }
    if (j->comma[j->depth]) fputs(j->depth ? ", " : "\n", j->f); /* at the top: JSON lines */
    j->comma[j->depth] = true;
}

static void open_with(struct json *j, char c)
{
    separate(j);
    fputc(c, j->f);
    j->depth++;
    assert(j->depth < (int)(sizeof j->comma / sizeof *j->comma));
    j->comma[j->depth] = false;
}

static void close_with(struct json *j, char c)
{
    assert(j->depth > 0 && !j->key);
    j->depth--;
    fputc(c, j->f);
}

void json_object(struct json *j) { open_with(j, '{'); }
void json_object_end(struct json *j) { close_with(j, '}'); }
void json_array(struct json *j) { open_with(j, '['); }
void json_array_end(struct json *j) { close_with(j, ']'); }

static void quoted(FILE *f, const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
    uint32_t c;
    fputc('"', f);
    for (size_t i = 0; i < n;) {
        size_t len = utf8_valid(text + i, n - i, &c);
        if (!len) {
            fputs("\xef\xbf\xbd", f);
            len = 1;
        } else if (s[i] == '"' || s[i] == '\\') {
            fprintf(f, "\\%c", s[i]);
        } else if (s[i] == '\n') {
            fputs("\\n", f);
        } else if (s[i] == '\t') {
            fputs("\\t", f);
        } else if (s[i] < 0x20 || s[i] == 0x7f) {
            fprintf(f, "\\u%04x", s[i]);
        } else {
            fwrite(s + i, 1, len, f);
        }
        i += len;
    }
    fputc('"', f);
}

void json_key(struct json *j, const char *key)
{
    assert(!j->key);
    separate(j);
    quoted(j->f, key, strlen(key));
    fputs(": ", j->f);
    j->key = true;
}

void json_bytes(struct json *j, const char *s, size_t n)
{
    separate(j);
    quoted(j->f, s, n);
}

void json_string(struct json *j, const char *s)
{
    if (s) json_bytes(j, s, strlen(s));
    else json_null(j);
}

void json_number(struct json *j, double v)
{
    if (!isfinite(v)) {
        json_null(j);
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) { /* 0.1, not 0.10000000000000001; 17 always suffice */
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v) break;
    }
    separate(j);
    fputs(text, j->f);
}

void json_integer(struct json *j, int64_t v)
{
    separate(j);
    fprintf(j->f, "%" PRId64, v);
}

void json_bool(struct json *j, bool v)
{
    separate(j);
    fputs(v ? "true" : "false", j->f);
}

void json_null(struct json *j)
{
    separate(j);
    fputs("null", j->f);
}

void json_put_string(struct json *j, const char *key, const char *s)
{
    json_key(j, key);
    json_string(j, s);
}

void json_put_number(struct json *j, const char *key, double v)
{
    json_key(j, key);
    json_number(j, v);
}

void json_put_integer(struct json *j, const char *key, int64_t v)
{
    json_key(j, key);
    json_integer(j, v);
}

void json_put_numbers(struct json *j, const char *key, const double *v, size_t n)
{
    json_key(j, key);
    json_array(j);
    for (size_t i = 0; i < n; i++) json_number(j, v[i]);
    json_array_end(j);
}

void json_put_integers(struct json *j, const char *key, const int32_t *v, size_t n)
{
    json_key(j, key);
    json_array(j);
    for (size_t i = 0; i < n; i++) json_integer(j, v[i]);
    json_array_end(j);
}

void json_put_pair(struct json *j, const char *key, double a, double b)
{
    json_put_numbers(j, key, (const double[]){a, b}, 2);
}
