/* json.h - writes JSON to a stream: the caller says begin, keys and values, json.c puts commas, quotes and null.
 *
 * A number that is not finite is written as null, since JSON has no other word for "not known". Strings are bytes; those that
 * are not UTF-8 are written as U+FFFD. Numbers are written with as many digits as it takes to read the same double back.
 * SPDX-License-Identifier: MIT */
#ifndef HARTREE_JSON_H
#define HARTREE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json {
    FILE *f;
    int depth;
    bool comma[48]; /* per depth: a value stands before; deeper than json_tree.h reads */
    bool key;       /* a key was just written */
};

void json_begin(struct json *j, FILE *f);
void json_end(struct json *j); /* a newline; asserts that everything opened was closed */
void json_object(struct json *j);
void json_object_end(struct json *j);
void json_array(struct json *j);
void json_array_end(struct json *j);
void json_key(struct json *j, const char *key);
void json_string(struct json *j, const char *s);               /* NULL: null */
void json_bytes(struct json *j, const char *s, size_t n);
void json_number(struct json *j, double v);
void json_integer(struct json *j, int64_t v);
void json_bool(struct json *j, bool v);
void json_null(struct json *j);

/* key and value at once */
void json_put_string(struct json *j, const char *key, const char *s);
void json_put_number(struct json *j, const char *key, double v);
void json_put_integer(struct json *j, const char *key, int64_t v);
void json_put_numbers(struct json *j, const char *key, const double *v, size_t n); /* an array */
void json_put_integers(struct json *j, const char *key, const int32_t *v, size_t n);
void json_put_pair(struct json *j, const char *key, double a, double b); /* an array of two numbers */

#endif
