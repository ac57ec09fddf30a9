/* json_tree.c - see json_tree.h. Grammar: RFC 8259.
 * SPDX-License-Identifier: MIT */
#include "base/json_tree.h"

#include "base/json.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *at, *end;
    int line, depth;
    struct error *e;
};

/* What stands at the place, in words, beside what should. */
static bool wrong(const struct reader *r, const char *expected)
{
    if (r->at == r->end) return fail(r->e, "line %d: found the end, expected %s", r->line, expected);
    int n = 0;
    while (n < 12 && n < r->end - r->at && r->at[n] != '\n' && r->at[n] != '\r') n++;
    if (!n) return fail(r->e, "line %d: found the line's end, expected %s", r->line, expected);
    return fail(r->e, "line %d: found '%.*s', expected %s", r->line, n, r->at, expected);
}

static bool no_memory(const struct reader *r)
{
    return fail(r->e, "JSON: found no memory");
}

static void skip_blanks(struct reader *r)
{
    for (; r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\r' || *r->at == '\n'); r->at++)
        r->line += *r->at == '\n';
}

static bool take(struct reader *r, char c)
{
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

/* ---- Strings ---- */

/* Four hexadecimal digits. */
static bool read_hex(struct reader *r, uint32_t *c)
{
    *c = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        char d = r->at < r->end ? *r->at : 0;
        int v = d >= '0' && d <= '9' ? d - '0' : d >= 'a' && d <= 'f' ? d - 'a' + 10 : d >= 'A' && d <= 'F' ? d - 'A' + 10 : -1;
        if (v < 0) return wrong(r, "four hexadecimal digits");
        *c = 16 * *c + (uint32_t)v;
    }
    return true;
}

/* What follows a backslash, as one character. */
static bool read_escape(struct reader *r, uint32_t *c)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *known = r->at < r->end && *r->at ? strchr(from, *r->at) : NULL;
    uint32_t low;
    if (known) {
        *c = (uint32_t)to[known - from];
        r->at++;
        return true;
    }
    if (!take(r, 'u')) return wrong(r, "one of \"\\/bfnrtu after a backslash");
    if (!read_hex(r, c)) return false;
    if (*c < 0xD800 || *c > 0xDFFF) return true;
    if (*c > 0xDBFF || !take(r, '\\') || !take(r, 'u')) return wrong(r, "a pair of surrogates");
    if (!read_hex(r, &low)) return false;
    if (low < 0xDC00 || low > 0xDFFF) return wrong(r, "the second of a pair of surrogates");
    *c = 0x10000 + ((*c - 0xD800) << 10) + (low - 0xDC00);
    return true;
}

/* A string is never longer than its text. */
static char *read_string(struct reader *r, size_t *n)
{
    if (!take(r, '"')) {
        wrong(r, "a string");
        return NULL;
    }
    const char *close = r->at;
    while (close < r->end && *close != '"') close += *close == '\\' && close + 1 < r->end ? 2 : 1;
    char *s = malloc((size_t)(close - r->at) + 1);
    if (!s) {
        no_memory(r);
        return NULL;
    }
    for (*n = 0; r->at < r->end && *r->at != '"';) {
        uint32_t c = (unsigned char)*r->at;
        size_t length = utf8_valid(r->at, (size_t)(r->end - r->at), &c);
        bool ok = length && c >= 0x20;
        if (!ok)
            wrong(r, "UTF-8 without control characters");
        else
            r->at += length;
        if (!ok || (c == '\\' && !read_escape(r, &c))) {
            free(s);
            return NULL;
        }
        *n += utf8_encode(c, s + *n);
    }
    s[*n] = 0;
    if (take(r, '"')) return s;
    wrong(r, "the string's end");
    free(s);
    return NULL;
}

/* ---- Values ---- */

static size_t digits(struct reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
    return (size_t)(r->at - from);
}

/* strtod takes more than JSON does (hexadecimal, "inf"), and has no end but a NUL: so the grammar is checked here. */
static bool read_number(struct reader *r, struct json_value *v)
{
    const char *from = r->at;
    char text[64];
    take(r, '-');
    const char *first = r->at;
    size_t n = digits(r);
    if (!n || (n > 1 && *first == '0')) {
        r->at = from;
        return wrong(r, "a value");
    }
    if (take(r, '.') && !digits(r)) return wrong(r, "digits");
    if (take(r, 'e') || take(r, 'E')) {
        if (!take(r, '+')) take(r, '-');
        if (!digits(r)) return wrong(r, "digits");
    }
    n = (size_t)(r->at - from);
    if (n >= sizeof text) return fail(r->e, "line %d: found a number of %zu characters, expected fewer than 64", r->line, n);
    memcpy(text, from, n);
    text[n] = 0;
    v->type = JSON_NUMBER;
    v->number = strtod(text, NULL);
    return isfinite(v->number) || fail(r->e, "line %d: found %s, expected a number that a double holds", r->line, text);
}

static bool read_word(struct reader *r, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n)) return wrong(r, "a value");
    r->at += n;
    return true;
}

static bool read_value(struct reader *r, struct json_value *v);

/* The next element or member, at the end of v's. */
static bool read_item(struct reader *r, struct json_value *v, size_t room[2])
{
    struct json_value *item = memory_grow(v->item, &room[0], v->n + 1, sizeof *item);
    if (!item) return no_memory(r);
    v->item = item;
    item[v->n] = (struct json_value){.type = JSON_NULL};
    if (v->type == JSON_OBJECT) {
        char **key = memory_grow(v->key, &room[1], v->n + 1, sizeof *key);
        size_t length;
        if (!key) return no_memory(r);
        v->key = key;
        if (!(key[v->n] = read_string(r, &length))) return false;
    }
    v->n++;
    if (v->type == JSON_OBJECT) {
        skip_blanks(r);
        if (!take(r, ':')) return wrong(r, "a colon");
    }
    return read_value(r, &v->item[v->n - 1]);
}

static bool read_items(struct reader *r, struct json_value *v, char close)
{
    size_t room[2] = {0, 0};
    r->at++;
    if (r->depth == JSON_MAX_DEPTH) return wrong(r, "no deeper nesting than 32");
    r->depth++;
    skip_blanks(r);
    bool more = !take(r, close);
    while (more) {
        skip_blanks(r);
        if (!read_item(r, v, room)) return false;
        skip_blanks(r);
        more = take(r, ',');
        if (!more && !take(r, close)) return wrong(r, close == ']' ? "a comma or ]" : "a comma or }");
    }
    r->depth--;
    return true;
}

static bool read_value(struct reader *r, struct json_value *v)
{
    skip_blanks(r);
    switch (r->at < r->end ? *r->at : 0) {
    case '{': v->type = JSON_OBJECT; return read_items(r, v, '}');
    case '[': v->type = JSON_ARRAY; return read_items(r, v, ']');
    case '"': v->type = JSON_STRING; return (v->string = read_string(r, &v->n)) != NULL;
    case 't': v->type = JSON_BOOL; return v->boolean = true, read_word(r, "true");
    case 'f': v->type = JSON_BOOL; return read_word(r, "false");
    case 'n': return read_word(r, "null");
    default: return read_number(r, v);
    }
}

static void release(struct json_value *v)
{
    for (size_t i = 0; v->item && i < v->n; i++) {
        if (v->key) free(v->key[i]);
        release(&v->item[i]);
    }
    free(v->item);
    free(v->key);
    free(v->string);
}

struct json_value *json_parse(const char *text, size_t size, struct error *e)
{
    struct reader r = {text, text + size, 1, 0, e};
    struct json_value *v = calloc(1, sizeof *v);
    if (!v) {
        no_memory(&r);
        return NULL;
    }
    bool ok = read_value(&r, v);
    if (ok) skip_blanks(&r);
    if (ok && (r.at == r.end || wrong(&r, "the end"))) return v;
    json_free(v);
    return NULL;
}

void json_free(struct json_value *v)
{
    if (!v) return;
    release(v);
    free(v);
}

void json_tree_write(struct json *j, const struct json_value *v)
{
    switch (v->type) {
    case JSON_NULL: json_null(j); break;
    case JSON_BOOL: json_bool(j, v->boolean); break;
    case JSON_NUMBER: json_number(j, v->number); break;
    case JSON_STRING: json_bytes(j, v->string, v->n); break;
    case JSON_ARRAY:
        json_array(j);
        for (size_t i = 0; i < v->n; i++) json_tree_write(j, &v->item[i]);
        json_array_end(j);
        break;
    case JSON_OBJECT:
        json_object(j);
        for (size_t i = 0; i < v->n; i++) {
            json_key(j, v->key[i]);
            json_tree_write(j, &v->item[i]);
        }
        json_object_end(j);
        break;
    }
}

/* ---- Looking up ---- */

/* A name that is the first n bytes of `key`. */
static const struct json_value *member(const struct json_value *v, const char *key, size_t n)
{
    if (!v || v->type != JSON_OBJECT) return NULL;
    for (size_t i = 0; i < v->n; i++)
        if (!strncmp(v->key[i], key, n) && !v->key[i][n]) return &v->item[i];
    return NULL;
}

const struct json_value *json_member(const struct json_value *v, const char *key)
{
    return member(v, key, strlen(key));
}

const struct json_value *json_find(const struct json_value *v, const char *path)
{
    for (size_t n; v; path += n + 1) {
        n = strcspn(path, ".");
        v = member(v, path, n);
        if (!path[n]) break;
    }
    return v;
}

double json_find_number(const struct json_value *v, const char *path)
{
    v = json_find(v, path);
    return v && v->type == JSON_NUMBER ? v->number : NAN;
}

const char *json_find_string(const struct json_value *v, const char *path)
{
    v = json_find(v, path);
    return v && v->type == JSON_STRING ? v->string : NULL;
}

double json_find_element(const struct json_value *v, const char *path, size_t i)
{
    v = json_find(v, path);
    return v && v->type == JSON_ARRAY && i < v->n && v->item[i].type == JSON_NUMBER ? v->item[i].number : NAN;
}
