/* json_read.h - a small JSON reader for the tests' reference files. Trusts its input to be JSON; aborts where it is not.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_JSON_READ_H
#define HARTREE_JSON_READ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum jtype { J_NULL, J_FALSE, J_TRUE, J_NUMBER, J_STRING, J_ARRAY, J_OBJECT };

struct jval {
    enum jtype type;
    double number;
    char *string; /* UTF-8, NUL-terminated; `n` bytes, which may hold NULs */
    size_t n;     /* bytes, elements or members */
    struct jval *item;
    char **key; /* of an object's members */
};

static void jbad(const char *at)
{
    fprintf(stderr, "not JSON at '%.40s'\n", at);
    abort();
}

static const char *jblank(const char *p) { return p + strspn(p, " \t\r\n"); }

static void jput_utf8(char *out, size_t *n, unsigned c)
{
    if (c < 0x80) out[(*n)++] = (char)c;
    else if (c < 0x800) out[(*n)++] = (char)(0xC0 | c >> 6), out[(*n)++] = (char)(0x80 | (c & 63));
    else if (c < 0x10000)
        out[(*n)++] = (char)(0xE0 | c >> 12), out[(*n)++] = (char)(0x80 | (c >> 6 & 63)), out[(*n)++] = (char)(0x80 | (c & 63));
    else
        out[(*n)++] = (char)(0xF0 | c >> 18), out[(*n)++] = (char)(0x80 | (c >> 12 & 63)),
        out[(*n)++] = (char)(0x80 | (c >> 6 & 63)), out[(*n)++] = (char)(0x80 | (c & 63));
}

static const char *jstring(const char *p, char **out, size_t *len)
{
    const char *end = ++p;
    while (*end != '"') end += *end == '\\' ? 2 : 1;
    char *s = malloc((size_t)(end - p) + 1);
    size_t n = 0;
    while (p < end) {
        if (*p != '\\') {
            s[n++] = *p++;
            continue;
        }
        static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
        const char *e = strchr(from, p[1]);
        if (p[1] == 'u') {
            unsigned c, low;
            sscanf(p + 2, "%4x", &c);
            p += 6;
            if (c >= 0xD800 && c < 0xDC00 && p[0] == '\\' && p[1] == 'u' && sscanf(p + 2, "%4x", &low) == 1 && low >= 0xDC00 &&
                low < 0xE000) {
                c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
                p += 6;
            }
            jput_utf8(s, &n, c);
        } else {
            s[n++] = e ? to[e - from] : p[1];
            p += 2;
        }
    }
    s[n] = 0;
    *out = s;
    *len = n;
    return end + 1;
}

static const char *jparse(const char *p, struct jval *v)
{
    p = jblank(p);
    *v = (struct jval){J_NULL, 0, NULL, 0, NULL, NULL};
    if (*p == '"') {
        v->type = J_STRING;
        return jstring(p, &v->string, &v->n);
    }
    if (*p == '[' || *p == '{') {
        char close = *p == '[' ? ']' : '}';
        size_t capacity = 0;
        v->type = *p == '[' ? J_ARRAY : J_OBJECT;
        for (p = jblank(p + 1); *p != close; p = jblank(p)) {
            if (v->n == capacity) {
                capacity = 2 * capacity + 8;
                v->item = realloc(v->item, capacity * sizeof *v->item);
                v->key = realloc(v->key, capacity * sizeof *v->key);
            }
            v->key[v->n] = NULL;
            if (v->type == J_OBJECT) {
                size_t len;
                p = jblank(jstring(p, &v->key[v->n], &len));
                if (*p++ != ':') jbad(p - 1);
            }
            p = jblank(jparse(p, &v->item[v->n++]));
            if (*p == ',') p++;
            else if (*p != close) jbad(p);
        }
        return p + 1;
    }
    if (!strncmp(p, "null", 4)) return p + 4;
    if (!strncmp(p, "true", 4)) return v->type = J_TRUE, p + 4;
    if (!strncmp(p, "false", 5)) return v->type = J_FALSE, p + 5;
    char *end;
    v->type = J_NUMBER;
    v->number = strtod(p, &end);
    if (end == p) jbad(p);
    return end;
}

/* A member of an object, NULL if it has none of that name (or v is NULL). */
static inline const struct jval *jget(const struct jval *v, const char *key)
{
    for (size_t i = 0; v && v->type == J_OBJECT && i < v->n; i++)
        if (!strcmp(v->key[i], key)) return &v->item[i];
    return NULL;
}

static inline void jfree(struct jval *v)
{
    for (size_t i = 0; i < v->n && v->item; i++) {
        free(v->key[i]);
        jfree(&v->item[i]);
    }
    free(v->item);
    free(v->key);
    free(v->string);
}

/* A whole file; false if it can't be read. */
static inline int jfile(const char *path, struct jval *v)
{
    FILE *f = fopen(path, "rb");
    if (!f) return 0;
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    char *text = malloc((size_t)n + 1);
    size_t got = fread(text, 1, (size_t)n, f);
    text[got] = 0;
    fclose(f);
    jparse(text, v);
    free(text);
    return 1;
}

#endif
