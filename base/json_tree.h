/* json_tree.h - JSON in a text as a tree of values. Nothing of the text is trusted: RFC 8259 to the letter, UTF-8 checked,
 * nesting bounded. (json.h writes it.)
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_JSON_TREE_H
#define HARTREE_JSON_TREE_H

#include "base/error.h"

#include <stddef.h>

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

enum { JSON_MAX_DEPTH = 32 };

/* What a value is not, is 0 or NULL in it. */
struct json_value {
    enum json_type type;
    bool boolean;
    double number;            /* finite */
    char *string;             /* UTF-8 with a NUL behind it, n bytes, among which there may be NULs */
    size_t n;                 /* bytes, elements or members */
    struct json_value *item;  /* elements, or members' values */
    char **key;               /* of an object: members' names */
};

/* Reads the one value that `text` is. NULL and *e ("line N: found X, expected Y") where it is none, or memory is short. To be
 * freed with json_free. Takes up to some 60 bytes of memory for one of text. */
struct json_value *json_parse(const char *text, size_t size, struct error *e);
void json_free(struct json_value *v); /* NULL is no error */

/* The value again, as json.h writes it. */
struct json;
void json_tree_write(struct json *j, const struct json_value *v);

/* ---- Looking up: what is not there, or of another type, is "not known" ---- */

/* The member of an object; the first of that name. NULL where there is none, or `v` is no object or NULL. */
const struct json_value *json_member(const struct json_value *v, const char *key);
/* The value at a path of members' names, "ratios.time.ratio": the first of a name. NULL where there is none, or `v` is NULL. */
const struct json_value *json_find(const struct json_value *v, const char *path);
/* The number there; NAN where there is none. */
double json_find_number(const struct json_value *v, const char *path);
/* The string there, up to its first NUL; NULL where there is none. */
const char *json_find_string(const struct json_value *v, const char *path);
/* Element i of the array there as a number; NAN where there is none. */
double json_find_element(const struct json_value *v, const char *path, size_t i);

#endif
