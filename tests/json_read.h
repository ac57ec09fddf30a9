/* json_read.h - reads JSON into a tree, for the reference data of tests. Not a validator: what is no JSON gives NULL or nonsense.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_JSON_READ_H
#define HARTREE_JSON_READ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/text/unicode.h"

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_value {
    enum json_kind kind;
    double number;
    char *string; /* UTF-8, NUL-terminated, may hold NULs before */
    size_t len;
    struct json_value *items; /* of an array or object */
    char **keys;              /* of an object */
    size_t n;
};

static inline const char *json_skip(const char *s) { return s + strspn(s, " \t\r\n"); }

static inline uint32_t json_hex4(const char *s)
{
    char hex[5] = {s[0], s[0] ? s[1] : 0, s[0] && s[1] ? s[2] : 0, s[0] && s[1] && s[2] ? s[3] : 0, 0};
    return (uint32_t)strtoul(hex, NULL, 16);
}

static inline const char *json_read_string(const char *s, char **out, size_t *len)
{
    const char *end = ++s;
    while (*end && *end != '"') end += *end == '\\' && end[1] ? 2 : 1;
    if (!*end) return NULL;
    *out = malloc((size_t)(end - s) + 1);
    size_t n = 0;
    while (s < end) {
        if (*s != '\\') {
            (*out)[n++] = *s++;
            continue;
        }
        const char *escapes = "nrtbf", *values = "\n\r\t\b\f", *at = strchr(escapes, s[1]);
        if (s[1] != 'u') {
            (*out)[n++] = at ? values[at - escapes] : s[1];
            s += 2;
            continue;
        }
        uint32_t c = json_hex4(s + 2), low;
        s += 6;
        if (c >= 0xD800 && c < 0xDC00 && s[0] == '\\' && s[1] == 'u' && (low = json_hex4(s + 2)) >= 0xDC00) {
            c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
            s += 6;
        }
        n += utf8_encode(c, *out + n);
    }
    (*out)[n] = 0;
    *len = n;
    return end + 1;
}

static inline const char *json_read_value(const char *s, struct json_value *v)
{
    *v = (struct json_value){0};
    s = json_skip(s);
    if (*s == '"') {
        v->kind = JSON_STRING;
        return json_read_string(s, &v->string, &v->len);
    }
    if (*s == '[' || *s == '{') {
        bool object = *s == '{';
        v->kind = object ? JSON_OBJECT : JSON_ARRAY;
        s = json_skip(s + 1);
        while (*s != ']' && *s != '}') {
            if ((v->n & (v->n - 1)) == 0) { /* at every power of two */
                size_t room = v->n ? 2 * v->n : 1;
                v->items = realloc(v->items, room * sizeof *v->items);
                if (object) v->keys = realloc(v->keys, room * sizeof *v->keys);
            }
            if (object) {
                size_t len;
                if (*s != '"' || !(s = json_read_string(s, &v->keys[v->n], &len))) return NULL;
                s = json_skip(s);
                if (*s++ != ':') return NULL;
            }
            if (!(s = json_read_value(s, &v->items[v->n++]))) return NULL;
            s = json_skip(s);
            if (*s == ',') s = json_skip(s + 1);
        }
        return s + 1;
    }
    if (strncmp(s, "null", 4) == 0) return s + 4;
    if (strncmp(s, "true", 4) == 0) return v->kind = JSON_TRUE, s + 4;
    if (strncmp(s, "false", 5) == 0) return v->kind = JSON_FALSE, s + 5;
    char *end;
    v->kind = JSON_NUMBER;
    v->number = strtod(s, &end);
    return end == s ? NULL : end;
}

static inline void json_read_free(struct json_value *v)
{
    for (size_t i = 0; i < v->n; i++) {
        json_read_free(&v->items[i]);
        if (v->keys) free(v->keys[i]);
    }
    free(v->items);
    free(v->keys);
    free(v->string);
}

/* The file FOLDER/NAME; false if it is not there. */
static inline bool json_read_file(const char *folder, const char *name, struct json_value *v)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f) return false;
    size_t n = 0, capacity = 1 << 20, got;
    char *text = malloc(capacity + 1);
    while ((got = fread(text + n, 1, capacity - n, f)) > 0)
        if ((n += got) == capacity) text = realloc(text, (capacity *= 2) + 1);
    fclose(f);
    text[n] = 0;
    bool ok = json_read_value(text, v) != NULL;
    free(text);
    return ok;
}

/* A member of an object, or NULL. */
static inline const struct json_value *json_member(const struct json_value *v, const char *key)
{
    for (size_t i = 0; v && v->keys && i < v->n; i++)
        if (strcmp(v->keys[i], key) == 0) return &v->items[i];
    return NULL;
}

#endif
