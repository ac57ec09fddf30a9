/* gguf_value.c - lookups and typed reads in the tables that gguf.c made.
 * SPDX-License-Identifier: MIT */
#include "loader/gguf_private.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const size_t gguf_value_bytes[GGUF_VALUES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

const char *gguf_value_name(enum gguf_value type)
{
    static const char *const names[GGUF_VALUES] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                                   "bool", "string", "array", "u64", "i64", "f64"};
    return (unsigned)type < GGUF_VALUES ? names[type] : "unknown";
}

static int compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int c = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return c ? c : (a_len > b_len) - (a_len < b_len);
}

static int compare_names(const void *a, const void *b)
{
    const struct gguf_name *x = a, *y = b;
    return compare(x->data, x->len, y->data, y->len);
}

void gguf_names_sort(struct gguf_name *names, size_t n)
{
    if (n) qsort(names, n, sizeof *names, compare_names);
}

const struct gguf_name *gguf_names_duplicate(const struct gguf_name *names, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (compare_names(&names[i - 1], &names[i]) == 0) return &names[i];
    return NULL;
}

const struct gguf_name *gguf_names_find(const struct gguf_name *names, size_t n, const char *name)
{
    size_t low = 0, high = n, len = strlen(name);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = compare(names[mid].data, names[mid].len, name, len);
        if (c == 0) return &names[mid];
        if (c < 0) low = mid + 1;
        else high = mid;
    }
    return NULL;
}

const struct gguf_kv *gguf_find(const struct gguf *g, const char *key)
{
    const struct gguf_name *name = gguf_names_find(g->kv_index, g->n_kv, key);
    return name ? &g->kv[name->at] : NULL;
}

const struct tensor *gguf_tensor(const struct gguf *g, const char *name)
{
    const struct gguf_name *found = gguf_names_find(g->tensor_index, g->n_tensors, name);
    return found ? &g->tensors[found->at] : NULL;
}

static bool is_integer(enum gguf_value type)
{
    return type <= GGUF_I32 || type == GGUF_U64 || type == GGUF_I64;
}

static int64_t saturate(double v)
{
    if (isnan(v)) return 0;
    if (v >= 0x1p63) return INT64_MAX;
    if (v < -0x1p63) return INT64_MIN;
    return (int64_t)v;
}

/* Reads element i into one of the three; the file is little-endian and so is every host that gguf.c compiles for. */
static enum gguf_value read_element(const struct gguf_kv *kv, uint64_t i, int64_t *s, uint64_t *u, double *f)
{
    assert(i < kv->n && (unsigned)kv->element < GGUF_VALUES && gguf_value_bytes[kv->element]);
    const char *p = (const char *)kv->data + i * gguf_value_bytes[kv->element];
    union {
        uint8_t u8;
        int8_t i8;
        uint16_t u16;
        int16_t i16;
        uint32_t u32;
        int32_t i32;
        uint64_t u64;
        int64_t i64;
        float f32;
        double f64;
    } v;
    memcpy(&v, p, gguf_value_bytes[kv->element]);
    switch (kv->element) {
    case GGUF_U8: case GGUF_BOOL: return *u = v.u8, GGUF_U64;
    case GGUF_U16: return *u = v.u16, GGUF_U64;
    case GGUF_U32: return *u = v.u32, GGUF_U64;
    case GGUF_U64: return *u = v.u64, GGUF_U64;
    case GGUF_I8: return *s = v.i8, GGUF_I64;
    case GGUF_I16: return *s = v.i16, GGUF_I64;
    case GGUF_I32: return *s = v.i32, GGUF_I64;
    case GGUF_I64: return *s = v.i64, GGUF_I64;
    case GGUF_F32: return *f = v.f32, GGUF_F64;
    default: return *f = v.f64, GGUF_F64;
    }
}

double gguf_number(const struct gguf_kv *kv, uint64_t i)
{
    int64_t s = 0;
    uint64_t u = 0;
    double f = 0;
    enum gguf_value kind = read_element(kv, i, &s, &u, &f);
    return kind == GGUF_U64 ? (double)u : kind == GGUF_I64 ? (double)s : f;
}

int64_t gguf_integer(const struct gguf_kv *kv, uint64_t i)
{
    int64_t s = 0;
    uint64_t u = 0;
    double f = 0;
    enum gguf_value kind = read_element(kv, i, &s, &u, &f);
    if (kind == GGUF_U64) return u > INT64_MAX ? INT64_MAX : (int64_t)u;
    return kind == GGUF_I64 ? s : saturate(f);
}

static enum gguf_presence wrong_kind(const struct gguf_kv *kv, const char *expected, struct error *e)
{
    if (kv->type == GGUF_ARRAY)
        fail(e, "metadata '%.*s': found an array of %s, expected %s", (int)kv->key.len, kv->key.data,
             gguf_value_name(kv->element), expected);
    else
        fail(e, "metadata '%.*s': found a value of type %s, expected %s", (int)kv->key.len, kv->key.data,
             gguf_value_name(kv->type), expected);
    return GGUF_WRONG;
}

enum gguf_presence gguf_get_u32(const struct gguf *g, const char *key, uint32_t *out, struct error *e)
{
    const struct gguf_kv *kv = gguf_find(g, key);
    if (!kv) return GGUF_ABSENT;
    if (!is_integer(kv->type)) return wrong_kind(kv, "an integer", e);
    int64_t v = gguf_integer(kv, 0); /* a u64 that saturates is out of range here too */
    if (v < 0 || v > UINT32_MAX) {
        fail(e, "metadata '%s': found %" PRId64 ", expected 0 to %" PRIu32, key, v, UINT32_MAX);
        return GGUF_WRONG;
    }
    *out = (uint32_t)v;
    return GGUF_FOUND;
}

enum gguf_presence gguf_get_f32(const struct gguf *g, const char *key, float *out, struct error *e)
{
    const struct gguf_kv *kv = gguf_find(g, key);
    if (!kv) return GGUF_ABSENT;
    if (kv->type != GGUF_F32 && kv->type != GGUF_F64) return wrong_kind(kv, "a floating-point number", e);
    double v = gguf_number(kv, 0);
    if (!isfinite(v) || fabs(v) > 0x1.fffffep127) {
        fail(e, "metadata '%s': found %g, expected a finite float32", key, v);
        return GGUF_WRONG;
    }
    *out = (float)v;
    return GGUF_FOUND;
}

enum gguf_presence gguf_get_bool(const struct gguf *g, const char *key, bool *out, struct error *e)
{
    const struct gguf_kv *kv = gguf_find(g, key);
    if (!kv) return GGUF_ABSENT;
    if (kv->type != GGUF_BOOL) return wrong_kind(kv, "a bool", e);
    *out = gguf_integer(kv, 0) != 0;
    return GGUF_FOUND;
}

enum gguf_presence gguf_get_string(const struct gguf *g, const char *key, struct gguf_string *out, struct error *e)
{
    const struct gguf_kv *kv = gguf_find(g, key);
    if (!kv) return GGUF_ABSENT;
    if (kv->type != GGUF_STRING) return wrong_kind(kv, "a string", e);
    *out = kv->strings[0];
    return GGUF_FOUND;
}
